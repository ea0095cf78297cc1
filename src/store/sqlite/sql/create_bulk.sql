-- One part of a large job: $7 holds its targets, $1 is the first one's item id. $2 job, $3 lane, $4 state, $5 priority,
-- $6 due_at.
insert into items (id, job_id, lane_id, state, priority, rank, due_at, target)
select $1 + key, $2, $3, $4, $5, $1 + key, $6, value
from json_each($7);
