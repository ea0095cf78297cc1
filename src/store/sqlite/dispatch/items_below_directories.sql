-- Due items of URL lane $1 that may be below the directories of $2, [[first key, last key], ...]. Items right below a
-- directory are neighbours in the index: $3 of them are read for each, whatever their state. Deeper ones are found among
-- the lane's next items, $4 of each priority. An item that was attached to a directory once is sent by itself.
select i.id, i.target, 'url' as kind
from json_each($2) as d
cross join items as i on i.id in (
    select near.id
    from items as near
    where near.target_key is not null and near.target_key between d.value ->> 0 and d.value ->> 1
    limit $3
)
where i.state = DUE and i.lane_id = $1 and i.ride is null
union
select * from (
    select i.id, i.target, 'url'
    from items as i
    where i.state = DUE and i.lane_id = $1 and i.cohort = 0 and i.priority = URGENT and i.ride is null
    order by i.rank
    limit $4
)
union
select * from (
    select i.id, i.target, 'url'
    from items as i
    where i.state = DUE and i.lane_id = $1 and i.cohort = 0 and i.priority = NORMAL and i.ride is null
    order by i.rank
    limit $4
)
union
select * from (
    select i.id, i.target, 'url'
    from items as i
    where i.state = DUE and i.lane_id = $1 and i.cohort = 0 and i.priority = BULK and i.ride is null
    order by i.rank
    limit $4
)
order by 1;
