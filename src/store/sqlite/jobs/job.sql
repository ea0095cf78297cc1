-- The job with public id $1, if it is tenant $2's (null: any).
select j.*, t.name as tenant, (select warnings from job_warnings where job_id = j.id) as warnings
from jobs as j
join tenants as t on t.id = j.tenant_id
where j.public_id = $1 and ($2 is null or t.name = $2);
