-- The items of submission $1 end. $2: [[failed target, failure], ...]; a target may be in it twice, as when a provider has
-- a row for each area. Failed items are retried at $4 while fewer than $3 attempts were made and the job is not cancelled,
-- and fail after that; all others succeeded. A URL that was attached to a directory ends with it, or is due again if the
-- directory failed.
insert into moves (item_id, job_id, lane_id, priority, was, becomes, cohort, due_at, failure_id, attempt, ride)
select i.id, i.job_id, i.lane_id, i.priority, i.state,
    case
        when f.target is null then SUCCEEDED
        when i.ride > 0 then case when j.cancelled_at is null then DUE else CANCELLED end
        when i.attempts + 1 < $3 and j.cancelled_at is null then DELAYED
        else FAILED
    end,
    case when i.ride > 0 then i.cohort else 0 end,
    case
        when f.target is not null and i.ride > 0 is not true and i.attempts + 1 < $3 and j.cancelled_at is null then $4
    end,
    case when f.target is not null and i.ride > 0 then i.failure_id else f.failure end,
    f.target is null or i.ride > 0 is not true,
    case when f.target is not null and i.ride > 0 then 0 end
from items as i
join jobs as j on j.id = i.job_id
left join items as carrier on carrier.id = i.ride and i.ride > 0
left join (
    select value ->> 0 as target, min(value ->> 1) as failure from json_each($2) group by 1
) as f on f.target = coalesce(carrier.target, i.target)
where i.submission_id = $1 and i.state = SUBMITTED;
