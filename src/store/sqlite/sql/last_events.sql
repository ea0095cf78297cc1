-- The last events of job $1, newest first, at most $2.
select e.seq, e.at, e.kind, e.items, e.submission_id, e.message, s.task_id,
    f.class, f.code, f.message as failure_message, f.request_id as failure_request_id
from events as e
left join submissions as s on s.id = e.submission_id
left join failures as f on f.id = e.failure_id
where e.job_id = $1
order by e.seq desc
limit $2;
