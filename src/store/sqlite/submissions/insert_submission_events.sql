-- An event for each job with items in submission $1. $2 now, $3 kind, $4 failure, $5 message. The job's version changes
-- too, because a client may wait for this with an ETag.
insert into events (job_id, at, kind, items, submission_id, failure_id, message)
select job_id, $2, $3, count(*), $1, $4, $5
from items
where submission_id = $1 and state = SUBMITTED
group by job_id;

update jobs set version = version + 1
where id in (select distinct job_id from items where submission_id = $1 and state = SUBMITTED);
