-- An event for each job with moved items. $1 now, $2 kind, $3 submission, $4 failure, $5 message, $6 new state of the moves
-- that count (null: any). Without $4 the event has a failure of the job's own items, if they have any: one tenant may not
-- read another's failure. After an event that items were released, no event follows that they are claimed again, nor one
-- that they were released for the same reason: a provider that is down for hours would fill the history.
with told (job_id, items, failure_id) as materialized (
    select job_id, count(*), min(case when becomes in (DELAYED, FAILED) then failure_id end)
    from moves
    where $6 is null or becomes = $6
    group by job_id
)
insert into events (job_id, at, kind, items, submission_id, failure_id, message)
select t.job_id, $1, $2, t.items, $3, coalesce($4, t.failure_id), $5
from told as t
where not exists (
    select 1
    from events as last
    where last.seq = (select max(seq) from events where job_id = t.job_id)
        and last.kind in ('released', 'split')
        and ($2 = 'claimed' or (last.kind = $2 and last.message = $5))
);
