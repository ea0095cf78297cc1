-- A group of new jobs, a statement per table. Parameters are named ($n), because each statement binds them afresh.
-- jsonb_each hands on what it has parsed; json_each would write each row as text, to be parsed again.
-- $1 jobs: [id, public id, tenant, operation, priority, source, labels, notify, not_before, deadline, merged,
-- first item, pair offset, items, verification, now, retry of].
insert into jobs (
    id, public_id, tenant_id, operation, priority, source, labels, notify, not_before, deadline, merged, first_item,
    pair_offset, pending, verification, created_at, retry_of
)
select value ->> 0, unhex(value ->> 1), value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7,
    value ->> 8, value ->> 9, value ->> 10, value ->> 11, value ->> 12, value ->> 13, value ->> 14, value ->> 15,
    unhex(value ->> 16)
from jsonb_each($1);

-- $6 what happened to them: [job, now, items].
insert into events (job_id, at, kind, items, message)
select value ->> 0, value ->> 1, 'accepted', value ->> 2, (value ->> 2) || ' items kept'
from jsonb_each($6);

-- $7 turns: [lane, priority, tenant, span], small and bulk parts alike. A tenant goes on behind its own last item, or from
-- where the lane has got to.
insert into turns (lane_id, priority, tenant_id, base, last)
select value ->> 0, value ->> 1, value ->> 2, coalesce(d.turn, 0), coalesce(d.turn, 0) + (value ->> 3)
from jsonb_each($7)
left join depths as d on d.lane_id = value ->> 0 and d.priority = value ->> 1
where true
on conflict (lane_id, priority, tenant_id)
do update set base = max(turns.last, excluded.base), last = max(turns.last, excluded.base) + excluded.last - excluded.base;

-- $2 items of small jobs: [id, job, lane, state, priority, due_at, target, tenant, how far behind the tenant's base,
-- the target's key].
insert into items (id, job_id, lane_id, state, priority, rank, due_at, target, target_key)
select value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, t.base + (value ->> 8), value ->> 5, value ->> 6,
    value ->> 9
from jsonb_each($2)
cross join turns as t on t.lane_id = value ->> 2 and t.priority = value ->> 4 and t.tenant_id = value ->> 7;

-- $3 depths: [lane, priority, due, delayed, blocked], of small and bulk parts alike.
insert into depths (lane_id, priority, due, delayed, blocked)
select value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4
from jsonb_each($3)
where true
on conflict (lane_id, priority)
do update set due = due + excluded.due, delayed = delayed + excluded.delayed, blocked = blocked + excluded.blocked;

-- $4 idempotency keys: [tenant, key, fingerprint, job, now].
insert into idempotency_keys (tenant_id, key, fingerprint, job_id, created_at)
select value ->> 0, value ->> 1, unhex(value ->> 2), value ->> 3, value ->> 4
from jsonb_each($4);

-- $5 hosts: [job, host].
insert into job_hosts (job_id, host)
select value ->> 0, value ->> 1
from jsonb_each($5);
