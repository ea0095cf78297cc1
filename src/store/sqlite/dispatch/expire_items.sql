-- Pending items of jobs whose deadline is past at $1, at most $2. Submitted items are tracked until they end. An item keeps
-- the failure of its last attempt and what it waited for, which say why it was not done in time.
insert into moves (item_id, job_id, lane_id, priority, was, becomes, failure_id, wait_id)
select i.id, i.job_id, i.lane_id, i.priority, i.state, EXPIRED, i.failure_id, i.wait_id
from jobs as j
join items as i on i.id >= j.first_item
    and i.id < j.first_item + j.pending + j.submitted + j.succeeded + j.failed + j.cancelled + j.expired
where j.deadline is not null and j.deadline <= $1 and j.finished_at is null and j.pending > 0
    and i.state in (DUE, DELAYED, BLOCKED)
limit $2;
