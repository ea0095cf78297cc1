-- Job $1 has the verdict $2. $3 now, $4 event kind, $5 message; $6 and $7 are a second event, if $7 is not null. Only the
-- first verdict counts.
insert into events (job_id, at, kind, message)
select id, $3, $4, $5 from jobs where id = $1 and verification = 'pending';

insert into events (job_id, at, kind, message)
select id, $3, $6, $7 from jobs where id = $1 and verification = 'pending' and $7 is not null;

update jobs
set verification = $2, verify_due_at = null, verify_host = null, verify_looks = verify_looks + 1, version = version + 1
where id = $1 and verification = 'pending';
