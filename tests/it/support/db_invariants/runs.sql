-- Jobs whose items are not `first_item` and those after it, and items, jobs and submissions that belong to nobody.
select 'job ' || j.id || ' begins at item ' || j.first_item || ' and has ' || total || ', found '
    || coalesce(r.first, 0) || ' to ' || coalesce(r.last, 0) || ', ' || coalesce(r.found, 0)
from (select *, pending + submitted + succeeded + failed + cancelled + expired as total from jobs) as j
left join (
    select job_id, min(id) as first, max(id) as last, count(*) as found from items group by job_id
) as r on r.job_id = j.id
where r.first is not j.first_item or r.found is not j.total or r.last - r.first + 1 is not j.total
union all
select 'item ' || id || ' belongs to job ' || job_id || ' and lane ' || lane_id || ', not all of which exist'
from items
where job_id not in (select id from jobs) or lane_id not in (select id from lanes)
union all
select 'job ' || id || ' belongs to tenant ' || tenant_id || ', who does not exist'
from jobs
where tenant_id not in (select id from tenants)
union all
select 'idempotency key ' || key || ' is for job ' || job_id || ', which does not exist'
from idempotency_keys
where job_id not in (select id from jobs);
