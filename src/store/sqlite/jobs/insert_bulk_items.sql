-- The items of one part of a large job. $7 is a list of its targets, each behind its key in 19 digits (splitting a text is
-- cheaper than parsing a nested list). $1 is the first item's id, $2 job, $3 lane, $4 state, $5 priority, $6 due_at, $8
-- tenant. $9 is the distance of the first item behind the tenant's base, and $10 the distance between two items.
insert or fail into items (id, job_id, lane_id, state, priority, rank, due_at, target, target_key)
select $1 + key, $2, $3, $4, $5,
    (select base from turns where lane_id = $3 and priority = $5 and tenant_id = $8) + $9 + key * $10, $6,
    substr(value, 20), cast(substr(value, 1, 19) as integer)
from json_each($7);
