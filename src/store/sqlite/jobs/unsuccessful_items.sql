-- The failed and expired items of job $1, in the order of the request.
select i.target, l.account, l.operation, l.kind, l.area, l.mode
from jobs as j
join items as i on i.id >= j.first_item
    and i.id < j.first_item + j.pending + j.submitted + j.succeeded + j.failed + j.cancelled + j.expired
join lanes as l on l.id = i.lane_id
where j.id = $1 and i.state in (FAILED, EXPIRED)
order by i.id;
