-- Jobs of tenant $1 (null: any) numbered below $2, newest first, at most $3.
select j.*, t.name as tenant
from jobs as j
join tenants as t on t.id = j.tenant_id
where j.id < $2 and ($1 is null or t.name = $1)
order by j.id desc
limit $3;
