-- Due items that may not be sent now. $1: [[item, becomes, isolation group, due_at, failure, wait], ...]; without a group or a
-- failure an item keeps the one it has.
insert into moves (item_id, job_id, lane_id, priority, was, becomes, cohort, due_at, failure_id, wait_id)
select i.id, i.job_id, i.lane_id, i.priority, i.state, a.value ->> 1, coalesce(a.value ->> 2, i.cohort), a.value ->> 3,
    coalesce(a.value ->> 4, i.failure_id), a.value ->> 5
from json_each($1) as a
cross join items as i on i.id = a.value ->> 0
where i.state = DUE;
