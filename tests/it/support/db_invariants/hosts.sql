-- A job and a host of its targets that is not written beside it, or one too many.
with touched as (
    select distinct job_id, substr(rest, 1, instr(rest, '/') - 1) as host
    from (select job_id, substr(target, instr(target, '://') + 3) as rest from items)
), named as (
    select job_id, host from job_hosts
    union all
    select id, host from jobs where host is not null
)
select 'job ' || job_id || ' does not name ' || host from (select * from touched except select job_id, host from named)
union all
select 'job ' || job_id || ' does not touch ' || host from (select job_id, host from named except select * from touched)
union all
select 'job ' || job_id || ' names ' || host || ' twice' from named group by job_id, host having count(*) > 1;
