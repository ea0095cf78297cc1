-- The next items of lane $1, at most $2. Items that must travel apart go first, one cohort at a time: they are few, and
-- whoever waits for them has waited a call longer already.
select i.id, i.target, l.kind
from items as i
join lanes as l on l.id = i.lane_id
where i.state = 0
    and i.lane_id = $1
    and i.cohort = coalesce((select min(cohort) from items where state = 0 and lane_id = $1 and cohort > 0), 0)
order by i.priority, i.rank
limit $2;
