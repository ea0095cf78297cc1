-- The events of job $1 after number $2, oldest first, at most $3. The acceptance, which is the first, is read from the
-- job's row.
with told (seq, at, kind, items, submission_id, failure_id, message) as (
    select id, created_at, 'accepted', kept, null, null, kept || ' items kept'
    from (select *, pending + submitted + succeeded + failed + cancelled + expired as kept from jobs where id = $1 and id > $2)
    union all
    select seq, at, kind, items, submission_id, failure_id, message
    from events
    where job_id = $1 and seq > $2
    order by seq
    limit $3
)
select t.seq, t.at, t.kind, t.items, t.submission_id, t.message, s.task_id,
    f.class, f.code, f.message as failure_message, f.request_id as failure_request_id
from told as t
left join submissions as s on s.id = t.submission_id
left join failures as f on f.id = t.failure_id
order by t.seq;
