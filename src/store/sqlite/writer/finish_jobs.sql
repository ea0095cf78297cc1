-- Finishes the jobs of the moves that have no open item any more, with an event, and empties the moves. $1: now.
insert into events (job_id, at, kind, items, message)
select id, $1, 'finished', succeeded + failed + cancelled + expired,
    succeeded || ' succeeded, ' || failed || ' failed, ' || cancelled || ' cancelled, ' || expired || ' expired'
from jobs
where id in (select distinct job_id from moves where becomes > SUBMITTED) and pending + submitted = 0 and finished_at is null;

-- A job without a success gets its verdict at once: there is nothing to probe.
update jobs
set finished_at = $1,
    verify_due_at = case when verification = 'pending' and succeeded > 0 then $1 end,
    verify_host = case
        when verification = 'pending' and succeeded > 0 then coalesce(host, (select min(host) from job_hosts where job_id = jobs.id))
    end,
    verification = case when verification = 'pending' and succeeded = 0 then 'unknown' else verification end
where id in (select distinct job_id from moves where becomes > SUBMITTED) and pending + submitted = 0 and finished_at is null;

delete from moves;
