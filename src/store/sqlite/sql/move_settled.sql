-- The items of submission $1 end. $2: [[failed target, failure], ...], where a target may stand twice, as when a provider
-- keeps a row for each area; those go again at $4 while fewer than $3 attempts were made and nobody cancelled the job, and
-- fail after that; all others succeeded.
insert into moves (item_id, job_id, lane_id, priority, was, becomes, due_at, failure_id, attempt)
select i.id, i.job_id, i.lane_id, i.priority, i.state,
    case when f.target is null then 4 when i.attempts + 1 < $3 and j.cancelled_at is null then 1 else 5 end,
    case when f.target is not null and i.attempts + 1 < $3 and j.cancelled_at is null then $4 end,
    f.failure, 1
from items as i
join jobs as j on j.id = i.job_id
left join (
    select value ->> 0 as target, min(value ->> 1) as failure from json_each($2) group by 1
) as f on f.target = i.target
where i.submission_id = $1 and i.state = 3;
