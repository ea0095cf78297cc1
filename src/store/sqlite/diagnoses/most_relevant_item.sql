-- The item of job $1, or of its items with target $2 (null: any), that says most about what went wrong: the first of
-- failed, expired, stale, pending, submitted, unknown, any other.
select i.id, i.lane_id, i.target, i.state, i.attempts, i.due_at, l.account, l.operation, l.kind, l.area, l.mode, s.task_id,
    s.created_at as sent_at, coalesce(s.request_id, f.request_id) as request_id, v.verification as seen,
    v.reason as seen_reason, v.at as seen_at, v.proof, j.verification as job_verification,
    f.class, f.code, f.message as failure_message, f.request_id as failure_request_id
from jobs as j
join items as i on i.id >= j.first_item
    and i.id < j.first_item + j.pending + j.submitted + j.succeeded + j.failed + j.cancelled + j.expired
join lanes as l on l.id = i.lane_id
left join submissions as s on s.id = i.submission_id
left join failures as f on f.id = i.failure_id
left join verdicts as v on v.item_id = i.id
where j.id = $1 and ($2 is null or i.target = $2)
order by
    case
        when i.state = FAILED then 0
        when i.state = EXPIRED then 1
        when v.verification = 'stale' then 2
        when i.state in (DUE, DELAYED, BLOCKED) then 3
        when i.state = SUBMITTED then 4
        when v.verification = 'unknown' then 5
        else 6
    end,
    i.id
limit 1;
