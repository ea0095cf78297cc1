-- The items of job $1 after item $2, at most $3: a contiguous range of ids.
select i.id, i.lane_id, i.target, i.state, i.attempts, i.due_at, l.kind, l.operation, s.task_id,
    coalesce(s.request_id, f.request_id) as request_id, v.verification as seen,
    v.reason as seen_reason, v.at as seen_at, v.proof, j.verification as job_verification,
    f.class, f.code, f.message as failure_message, f.request_id as failure_request_id
from jobs as j
join items as i on i.id >= j.first_item
    and i.id < j.first_item + j.pending + j.submitted + j.succeeded + j.failed + j.cancelled + j.expired
join lanes as l on l.id = i.lane_id
left join submissions as s on s.id = i.submission_id
left join failures as f on f.id = i.failure_id
left join verdicts as v on v.item_id = i.id
where j.id = $1 and i.id > $2
order by i.id
limit $3;
