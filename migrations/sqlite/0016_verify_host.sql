-- By which host a look at the edge is counted while a job waits for one; null as soon as it does not. The first of the job's
-- hosts by name, so that it is the same one every time. Finding what is due behind a pile of one host's jobs asks for this
-- index: the other one would walk over the pile.
alter table jobs add column verify_host text;

update jobs
set verify_host = (select min(host) from job_hosts where job_id = jobs.id)
where verify_due_at is not null;

create index jobs_to_verify_by_host on jobs (verify_host, verify_due_at) where verify_due_at is not null;
