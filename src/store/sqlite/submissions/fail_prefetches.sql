-- The prefetches that release_prefetches.sql fails get failure $1, and each of their jobs an event. $2 now.
update moves set failure_id = $1 where was = BLOCKED and becomes = FAILED;

insert into events (job_id, at, kind, items, failure_id, message)
select job_id, $2, 'failed', count(*), $1, 'not prefetched, because a purge before it did not succeed'
from moves
where was = BLOCKED and becomes = FAILED
group by job_id;
