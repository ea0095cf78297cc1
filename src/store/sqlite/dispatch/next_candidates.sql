-- The heads of lane $1: $2 in the order of their priority and turn, and $5 at least of each priority. Items that must travel apart go one cohort at a time, and before others
-- of their priority: whoever waits for them has waited a call longer already. One call of ten is theirs unless urgent work
-- waits, so that bulk which was refused once is not behind all that comes. Those of unproved hosts (cohort $3) only take turns
-- with open company: there may be as many of them as somebody likes. Whose turn it is goes by the lane's calls before this ($4).
with turn (unproved, apart) as materialized (
    select $4 % 2 = 1, $4 % 10 = 9
),
company (cohort) as materialized (
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
    where i.state = DUE and i.lane_id = $1 and i.cohort = (select cohort from company) and i.priority = URGENT
    order by i.rank, i.id
    limit $2
),
normal as materialized (
    select i.id, i.target, i.rank, i.priority
    from items as i
    where i.state = DUE and i.lane_id = $1 and i.cohort = (select cohort from company) and i.priority = NORMAL
    order by i.rank, i.id
    limit max($5, $2 - (select count(*) from urgent))
),
bulk as materialized (
    select i.id, i.target, i.rank, i.priority
    from items as i
    where i.state = DUE and i.lane_id = $1 and i.cohort = (select cohort from company) and i.priority = BULK
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
-- One row with all of them, [[id, priority, rank, target], ...]: to hand over a thousand rows takes longer than to find them.
select json_group_array(json_array(h.id, h.priority, h.rank, h.target)) as heads,
    (select cohort from company) as cohort,
    (select kind from lanes where id = $1) as kind
from heads as h;
