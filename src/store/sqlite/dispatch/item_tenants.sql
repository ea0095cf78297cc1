-- The tenant of each item of $1.
select i.id, t.name
from json_each($1) as asked
cross join items as i on i.id = asked.value
cross join jobs as j on j.id = i.job_id
cross join tenants as t on t.id = j.tenant_id;
