-- Jobs of all tenants numbered below $1, newest first, at most $2.
select j.*, t.name as tenant
from jobs as j
join tenants as t on t.id = j.tenant_id
where j.id < $1
order by j.id desc
limit $2;
