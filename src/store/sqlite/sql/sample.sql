-- At most $2 succeeded items of job $1, spread evenly over it and the same ones every time.
select i.id, i.target, l.kind, l.operation
from jobs as j
join items as i on i.id >= j.first_item
    and i.id < j.first_item + j.pending + j.submitted + j.succeeded + j.failed + j.cancelled + j.expired
join lanes as l on l.id = i.lane_id
where j.id = $1 and i.state = 4 and (i.id - j.first_item) % max(1, (j.succeeded + $2 - 1) / $2) = 0
order by i.id
limit $2;
