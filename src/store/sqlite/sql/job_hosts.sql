-- The hosts that job $1 touches.
select host from job_hosts where job_id = $1;
