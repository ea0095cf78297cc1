-- How many of the last $3 jobs of tenant $1 were created since $2.
select count(*)
from (
    select j.created_at
    from tenants as t
    join jobs as j on j.tenant_id = t.id
    where t.name = $1
    order by j.id desc
    limit $3
)
where created_at >= $2;
