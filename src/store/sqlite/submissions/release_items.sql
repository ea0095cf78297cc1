-- The items of submission $1 are released as $2 (due, delayed until $5, or failed), with failure $4. With $3, the targets
-- in it and the others become two isolation groups, numbered after the submission so that no other group has the same
-- number; delayed items become one group. If the job was cancelled, items are cancelled that would be retried otherwise. A
-- URL that was attached to a directory has no part in the failure: it is due again and will be sent by itself.
insert into moves (item_id, job_id, lane_id, priority, was, becomes, cohort, due_at, failure_id, attempt, ride)
select i.id, i.job_id, i.lane_id, i.priority, i.state,
    case
        when ($2 in (DUE, DELAYED) or i.ride > 0) and j.cancelled_at is not null then CANCELLED
        when i.ride > 0 then DUE
        else $2
    end,
    case
        when i.ride > 0 then i.cohort
        when $3 is not null then $1 * 2 + (i.target not in (select value from json_each($3)))
        when $2 = DELAYED then $1 * 2
        else i.cohort
    end,
    case when j.cancelled_at is null and i.ride > 0 is not true then $5 end,
    case when i.ride > 0 then i.failure_id else coalesce($4, i.failure_id) end,
    $2 = FAILED and i.ride > 0 is not true,
    case when i.ride > 0 then 0 end
from items as i
join jobs as j on j.id = i.job_id
where i.submission_id = $1 and i.state = SUBMITTED;
