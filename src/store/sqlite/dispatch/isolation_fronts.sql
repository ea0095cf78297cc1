-- Which isolation groups of lane $1 have due items of each priority: the first group of a refused batch, whether the group of
-- unproved hosts ($2) has some, and whether the normal one has.
select each.priority,
    (
        select min(cohort) from items
        where state = DUE and lane_id = $1 and cohort > 0 and cohort < $2 and priority = each.priority
    ) as refused,
    exists (select 1 from items where state = DUE and lane_id = $1 and cohort = $2 and priority = each.priority) as unproved,
    exists (select 1 from items where state = DUE and lane_id = $1 and cohort = 0 and priority = each.priority) as normal
from (select URGENT as priority union all select NORMAL union all select BULK) as each
order by each.priority;
