-- A group of new jobs, a statement per table, each of which binds its own values in the order of the rows. {TABLE COLUMNS}
-- stands for the rows (writer/multi_insert.rs), and a statement without rows is left out. Bound values cost a third of a
-- list that has to be parsed, so only tables with few rows get one list. `or fail`: an error undoes the transaction or the
-- savepoint around it, so SQLite need not be able to undo the statement alone, for which it copies each page before it is
-- changed.

-- A job's acceptance is not a row of `events`: it is read from this row.
insert or fail into jobs (
    id, public_id, tenant_id, operation, priority, source, labels, notify, not_before, deadline, merged, first_item,
    pair_offset, pending, verification, created_at, retry_of, area, host
)
values {jobs 19};

-- Turns: [lane, priority, tenant, span], of small and bulk parts. A tenant's new items queue up behind its own last one, or
-- where the lane has got to if that is later.
insert into turns (lane_id, priority, tenant_id, base, last)
select value ->> 0, value ->> 1, value ->> 2, coalesce(d.turn, 0), coalesce(d.turn, 0) + (value ->> 3)
from jsonb_each({turns 1})
left join depths as d on d.lane_id = value ->> 0 and d.priority = value ->> 1
where true
on conflict (lane_id, priority, tenant_id)
do update set base = max(turns.last, excluded.base), last = max(turns.last, excluded.base) + excluded.last - excluded.base;

-- Items of small parts: id, job, lane, state, priority, due_at, target, tenant, how far behind the tenant's base, key.
insert or fail into items (id, job_id, lane_id, state, priority, rank, due_at, target, target_key)
select i.column1, i.column2, i.column3, i.column4, i.column5, t.base + i.column9, i.column6, i.column7, i.column10
from (values {items 10}) as i
cross join turns as t on t.lane_id = i.column3 and t.priority = i.column5 and t.tenant_id = i.column8;

-- Depths: [lane, priority, due, delayed, blocked], of small and bulk parts alike.
insert into depths (lane_id, priority, due, delayed, blocked)
select value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4
from jsonb_each({depths 1})
where true
on conflict (lane_id, priority)
do update set due = due + excluded.due, delayed = delayed + excluded.delayed, blocked = blocked + excluded.blocked;

-- Idempotency keys: [tenant, key, fingerprint, job, now].
insert into idempotency_keys (tenant_id, key, fingerprint, job_id, created_at)
select value ->> 0, value ->> 1, unhex(value ->> 2), value ->> 3, value ->> 4
from jsonb_each({keys 1});

-- Warnings: [job, list].
insert into job_warnings (job_id, warnings)
select value ->> 0, value ->> 1
from jsonb_each({warnings 1});

-- Hosts: [job, host]. A list, because one job may have a hundred thousand.
insert into job_hosts (job_id, host)
select value ->> 0, value ->> 1
from jsonb_each({hosts 1});
