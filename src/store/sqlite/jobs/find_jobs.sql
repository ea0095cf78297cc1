-- Jobs numbered below $1, newest first, at most $2, that fit every condition which is not null: $3 tenant, $4 status, $5
-- operation, $6 host, $7 target, $8 and $9 a label and its value, $10 source, $11 since, $12 until, $13 task. $14 is a text
-- that must be one of: the job's public id ($15 in its stored form), a task or request id, a target ($16 in its normal
-- form), a host or a label's value.
with called as (
    select e.job_id
    from submissions as s
    join events as e on e.submission_id = s.id
    where s.task_id = $13 or s.task_id = $14 or s.request_id = $14
    union
    select e.job_id
    from failures as f
    join events as e on e.failure_id = f.id
    where f.request_id = $14
)
select j.*, t.name as tenant, (select warnings from job_warnings where job_id = j.id) as warnings
from jobs as j
join tenants as t on t.id = j.tenant_id
where j.id < $1
    and ($3 is null or t.name = $3)
    and ($4 is null or j.status = $4)
    and ($5 is null or j.operation = $5)
    and ($6 is null or j.host = $6 or exists (select 1 from job_hosts where job_id = j.id and host = $6))
    and ($7 is null or exists (
        select 1
        from items as i
        where i.id >= j.first_item
            and i.id < j.first_item + j.pending + j.submitted + j.succeeded + j.failed + j.cancelled + j.expired
            and i.target = $7
    ))
    and ($8 is null or exists (select 1 from json_each(j.labels) where key = $8 and value = $9))
    and ($10 is null or j.source = $10)
    and ($11 is null or j.created_at >= $11)
    and ($12 is null or j.created_at < $12)
    and ($13 is null or j.id in (select job_id from called))
    and ($14 is null
        or j.public_id = $15
        or j.id in (select job_id from called)
        or j.host = $14
        or exists (select 1 from job_hosts where job_id = j.id and host = $14)
        or exists (select 1 from json_each(j.labels) where value = $14)
        or ($16 is not null and exists (
            select 1
            from items as i
            where i.id >= j.first_item
                and i.id < j.first_item + j.pending + j.submitted + j.succeeded + j.failed + j.cancelled + j.expired
                and i.target = $16
        ))
    )
order by j.id desc
limit $2;
