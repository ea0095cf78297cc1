-- The next due items of lane $1 in isolation group $2: $3 in the order of priority and turn, and at least $4 of each priority.
with urgent as materialized (
    select i.id, i.target, i.rank, i.priority
    from items as i
    where i.state = DUE and i.lane_id = $1 and i.cohort = $2 and i.priority = URGENT
    order by i.rank, i.id
    limit $3
),
normal as materialized (
    select i.id, i.target, i.rank, i.priority
    from items as i
    where i.state = DUE and i.lane_id = $1 and i.cohort = $2 and i.priority = NORMAL
    order by i.rank, i.id
    limit max($4, $3 - (select count(*) from urgent))
),
bulk as materialized (
    select i.id, i.target, i.rank, i.priority
    from items as i
    where i.state = DUE and i.lane_id = $1 and i.cohort = $2 and i.priority = BULK
    order by i.rank, i.id
    limit max($4, $3 - (select count(*) from urgent) - (select count(*) from normal))
),
heads as (
    select * from urgent
    union all
    select * from normal
    union all
    select * from bulk
)
-- One row with all of them, [[id, priority, rank, target], ...]: passing on a thousand rows takes longer than finding them.
select json_group_array(json_array(h.id, h.priority, h.rank, h.target)) as heads,
    (select kind from lanes where id = $1) as kind
from heads as h;
