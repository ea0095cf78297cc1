-- The items of $2 took a slot each in submission $1: counts them by tenant, for the tenants $3.
insert into places (submission_id, tenant_id, targets)
select $1, t.id, count(*)
from json_each($2) as placed
cross join items as i on i.id = placed.value
cross join jobs as j on j.id = i.job_id
cross join tenants as t on t.id = j.tenant_id
where t.name in (select value from json_each($3))
group by t.id;
