-- Jobs of all tenants numbered below $1, newest first, at most $2.
select j.*, t.name as tenant, (select warnings from job_warnings where job_id = j.id) as warnings
from jobs as j
join tenants as t on t.id = j.tenant_id
where j.id < $1
order by j.id desc
limit $2;
