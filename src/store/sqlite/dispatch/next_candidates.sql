-- The next due items of lane $1, all of one isolation group (`cohort`; 0 is the normal one): $2 in the order of priority
-- and turn, and at least $5 of each priority. The group is chosen by the rules in `chosen`, the first that finds one.
-- Groups of a rejected batch come before the normal items of the same priority, because they have waited a call longer. If
-- no urgent work is due, one call of ten is for isolated items, so that isolated bulk work is not behind all new work.
-- Items with unproved hosts (group $3) only take turns with the normal group, because there may be any number of them. The
-- turn is the number of the lane's calls before this one ($4).
with turn (unproved, apart) as materialized (
    select $4 % 2 = 1, $4 % 10 = 9
),
chosen (cohort) as materialized (
    select coalesce(
        (select min(cohort) from items where state = DUE and lane_id = $1 and cohort > 0 and cohort < $3 and priority = URGENT),
        (
            select min(cohort) from items
            where state = DUE and lane_id = $1 and cohort = $3 and priority = URGENT and (select unproved from turn)
        ),
        (select min(cohort) from items where state = DUE and lane_id = $1 and cohort = 0 and priority = URGENT),
        (select min(cohort) from items where state = DUE and lane_id = $1 and cohort = $3 and priority = URGENT),
        (select min(cohort) from items where state = DUE and lane_id = $1 and cohort > 0 and (select apart from turn)),
        (select min(cohort) from items where state = DUE and lane_id = $1 and cohort > 0 and cohort < $3 and priority = NORMAL),
        (
            select min(cohort) from items
            where state = DUE and lane_id = $1 and cohort = $3 and priority = NORMAL and (select unproved from turn)
        ),
        (select min(cohort) from items where state = DUE and lane_id = $1 and cohort = 0 and priority = NORMAL),
        (select min(cohort) from items where state = DUE and lane_id = $1 and cohort = $3 and priority = NORMAL),
        (select min(cohort) from items where state = DUE and lane_id = $1 and cohort > 0 and cohort < $3),
        (select min(cohort) from items where state = DUE and lane_id = $1 and cohort = $3 and (select unproved from turn)),
        (select min(cohort) from items where state = DUE and lane_id = $1 and cohort = 0 and priority = BULK),
        (select min(cohort) from items where state = DUE and lane_id = $1 and cohort = $3),
        0
    )
),
urgent as materialized (
    select i.id, i.target, i.rank, i.priority
    from items as i
    where i.state = DUE and i.lane_id = $1 and i.cohort = (select cohort from chosen) and i.priority = URGENT
    order by i.rank, i.id
    limit $2
),
normal as materialized (
    select i.id, i.target, i.rank, i.priority
    from items as i
    where i.state = DUE and i.lane_id = $1 and i.cohort = (select cohort from chosen) and i.priority = NORMAL
    order by i.rank, i.id
    limit max($5, $2 - (select count(*) from urgent))
),
bulk as materialized (
    select i.id, i.target, i.rank, i.priority
    from items as i
    where i.state = DUE and i.lane_id = $1 and i.cohort = (select cohort from chosen) and i.priority = BULK
    order by i.rank, i.id
    limit max($5, $2 - (select count(*) from urgent) - (select count(*) from normal))
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
    (select cohort from chosen) as cohort,
    (select kind from lanes where id = $1) as kind
from heads as h;
