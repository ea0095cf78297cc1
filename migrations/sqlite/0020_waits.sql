-- Why an item waits although nothing has failed. It was a row of `failures` that readers had to leave out again, and it took
-- the place of the item's last failure.
create table waits (
    id integer primary key,
    -- The contract's word (`waiting.reason`).
    reason text not null,
    -- A sentence for people.
    detail text not null,
    unique (reason, detail)
) strict;

alter table items add column wait_id integer;

insert or ignore into waits (reason, detail)
select case code when 'tenant_share' then 'day_quota' else code end, message
from failures
where code in ('reconciling', 'purge_first', 'tenant_share');

update items
set wait_id = case when items.state = 1 then w.id end, failure_id = null
from failures as f
join waits as w on w.reason = case f.code when 'tenant_share' then 'day_quota' else f.code end and w.detail = f.message
where items.failure_id = f.id and f.code in ('reconciling', 'purge_first', 'tenant_share');

drop index failures_of_waits;
