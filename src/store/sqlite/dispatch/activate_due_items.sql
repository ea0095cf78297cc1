-- Delayed items whose time has come at $1 become due, at most $2.
insert into moves (item_id, job_id, lane_id, priority, was, becomes, cohort, failure_id)
select id, job_id, lane_id, priority, state, DUE, cohort, failure_id
from items
where state = DELAYED and due_at <= $1
order by due_at
limit $2;
