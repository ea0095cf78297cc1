-- The hosts of job $1's targets.
select host from jobs where id = $1 and host is not null
union all
select host from job_hosts where job_id = $1;
