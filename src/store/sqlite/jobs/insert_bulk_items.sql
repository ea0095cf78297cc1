-- One part of a large job: $7 holds its targets, each behind its key in 19 digits (to take a text apart is cheaper than to
-- parse a list), $1 is the first one's item id. $2 job, $3 lane, $4 state, $5 priority, $6 due_at, $8 tenant. $9 is how far
-- behind the tenant's base the first one stands, and $10 how far apart they are.
insert or fail into items (id, job_id, lane_id, state, priority, rank, due_at, target, target_key)
select $1 + key, $2, $3, $4, $5,
    (select base from turns where lane_id = $3 and priority = $5 and tenant_id = $8) + $9 + key * $10, $6,
    substr(value, 20), cast(substr(value, 1, 19) as integer)
from json_each($7);
