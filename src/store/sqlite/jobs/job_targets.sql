-- The targets of job $1, in the order of the request.
select i.target, l.kind
from jobs as j
join items as i on i.id >= j.first_item
    and i.id < j.first_item + j.pending + j.submitted + j.succeeded + j.failed + j.cancelled + j.expired
join lanes as l on l.id = i.lane_id
where j.id = $1
order by i.id;
