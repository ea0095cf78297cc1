-- At most $2 succeeded items of job $1, spread evenly over them, and the same ones every time.
select id, target, account, operation, kind, area, mode
from (
    select i.id, i.target, l.account, l.operation, l.kind, l.area, l.mode, row_number() over (order by i.id) - 1 as place,
        (j.succeeded + $2 - 1) / $2 as step
    from jobs as j
    join items as i on i.id >= j.first_item
        and i.id < j.first_item + j.pending + j.submitted + j.succeeded + j.failed + j.cancelled + j.expired
    join lanes as l on l.id = i.lane_id
    where j.id = $1 and i.state = SUCCEEDED
)
where place % step = 0
order by id
limit $2;
