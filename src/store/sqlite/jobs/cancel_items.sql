-- Cancels the pending items of job $1.
insert into moves (item_id, job_id, lane_id, priority, was, becomes, failure_id)
select i.id, i.job_id, i.lane_id, i.priority, i.state, CANCELLED, i.failure_id
from jobs as j
join items as i on i.id >= j.first_item
    and i.id < j.first_item + j.pending + j.submitted + j.succeeded + j.failed + j.cancelled + j.expired
where j.id = $1 and i.state in (DUE, DELAYED, BLOCKED);
