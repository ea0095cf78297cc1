-- The next due items of URL lane $1 in the normal group that were never attached to a directory, at most $2 of each
-- priority.
select * from (
    select i.target, 'url' as kind, i.priority
    from items as i
    where i.state = DUE and i.lane_id = $1 and i.cohort = 0 and i.priority = URGENT and i.ride is null
    order by i.rank
    limit $2
)
union all
select * from (
    select i.target, 'url', i.priority
    from items as i
    where i.state = DUE and i.lane_id = $1 and i.cohort = 0 and i.priority = NORMAL and i.ride is null
    order by i.rank
    limit $2
)
union all
select * from (
    select i.target, 'url', i.priority
    from items as i
    where i.state = DUE and i.lane_id = $1 and i.cohort = 0 and i.priority = BULK and i.ride is null
    order by i.rank
    limit $2
);
