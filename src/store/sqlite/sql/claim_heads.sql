-- The next items of lane $1, at most $2. Items that must travel apart go one cohort at a time, and before the others:
-- they are few, and whoever waits for them has waited a call longer already. Urgent ones go before all that are not.
select i.id, i.target, i.cohort, l.kind
from items as i
join lanes as l on l.id = i.lane_id
where i.state = 0
    and i.lane_id = $1
    and i.cohort = coalesce(
        (select min(cohort) from items where state = 0 and lane_id = $1 and cohort > 0 and priority = 0),
        (select min(cohort) from items where state = 0 and lane_id = $1 and cohort = 0 and priority = 0),
        (select min(cohort) from items where state = 0 and lane_id = $1 and cohort > 0),
        0
    )
order by i.priority, i.rank
limit $2;
