-- Jobs of tenant $1 numbered below $2, newest first, at most $3.
select j.*, t.name as tenant, (select warnings from job_warnings where job_id = j.id) as warnings
from tenants as t
join jobs as j on j.tenant_id = t.id
where t.name = $1 and j.id < $2
order by j.id desc
limit $3;
