-- The hosts that job $1 touches.
select host from jobs where id = $1 and host is not null
union all
select host from job_hosts where job_id = $1;
