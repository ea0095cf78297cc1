-- Which job, of which tenant, item $1 belongs to.
select j.public_id, t.name as tenant
from items as i
join jobs as j on j.id = i.job_id
join tenants as t on t.id = j.tenant_id
where i.id = $1;
