-- The same jobs under cheaper rules. SQLite checks `in` against three words or more by building a table of them for each row. A
-- foreign key, or a rule that calls a function, makes every statement that keeps several jobs copy each page that it is about to
-- change. Together that cost more than the jobs themselves. A tenant is named by the writer before its first job, and in the same
-- transaction, as an item's job is; how long a public id is, is seen by whoever reads it.
create table job_warnings_kept (
    job_id integer primary key,
    warnings text not null
) strict;

insert into job_warnings_kept (job_id, warnings) select job_id, warnings from job_warnings;
drop table job_warnings;
alter table job_warnings_kept rename to job_warnings;

create table jobs_kept (
    id integer primary key,
    public_id blob not null unique,
    tenant_id integer not null,
    operation text not null check (operation = 'purge' or operation = 'prefetch' or operation = 'refresh'),
    priority integer not null check (priority between 0 and 2),
    -- The area that a job asked for. Null: it asked for none. Its lanes may have one all the same, from where its domains were
    -- served then.
    area text check (area = 'mainland' or area = 'overseas' or area = 'global'),
    source text,
    labels text not null,
    notify text,
    not_before integer,
    deadline integer,
    merged integer not null,
    -- The items of a job are `first_item` and those after it.
    first_item integer not null,
    -- A refresh's URL has its prefetch item so many ids after its purge item; 0 for other operations.
    pair_offset integer not null,
    -- The host of a job that touches only one, as nearly all do. Null: its hosts are in job_hosts.
    host text,
    pending integer not null check (pending >= 0),
    submitted integer not null default 0 check (submitted >= 0),
    succeeded integer not null default 0 check (succeeded >= 0),
    failed integer not null default 0 check (failed >= 0),
    cancelled integer not null default 0 check (cancelled >= 0),
    expired integer not null default 0 check (expired >= 0),
    -- Whether any item was ever claimed.
    started integer not null default 0 check (started = 0 or started = 1),
    verification text not null check (
        verification = 'none' or verification = 'pending' or verification = 'fresh' or verification = 'stale'
        or verification = 'unknown'
    ),
    verify_due_at integer,
    verify_looks integer not null default 0,
    -- By which host a look at the edge is counted while a job waits for one; null as soon as it does not. The first of the job's
    -- hosts by name, so that it is the same one every time.
    verify_host text,
    retry_of blob,
    created_at integer not null,
    finished_at integer,
    -- The cancel mark: items that were sent by then and come back are cancelled instead of tried again.
    cancelled_at integer,
    version integer not null default 1,
    -- The rule of `domain::Counts::status`, for finding jobs; not stored, so it cannot be wrong by a lost update.
    status text generated always as (
        case
            when pending + submitted > 0 and started + succeeded + failed + cancelled + expired > 0 then 'running'
            when pending + submitted > 0 then 'pending'
            when succeeded > 0 and failed + cancelled + expired = 0 then 'succeeded'
            when succeeded > 0 then 'partial'
            when failed > 0 then 'failed'
            when expired > 0 then 'expired'
            else 'cancelled'
        end
    ) virtual
) strict;

insert into jobs_kept (
    id, public_id, tenant_id, operation, priority, area, source, labels, notify, not_before, deadline, merged, first_item,
    pair_offset, host, pending, submitted, succeeded, failed, cancelled, expired, started, verification, verify_due_at,
    verify_looks, verify_host, retry_of, created_at, finished_at, cancelled_at, version
)
select
    id, public_id, tenant_id, operation, priority, area, source, labels, notify, not_before, deadline, merged, first_item,
    pair_offset, host, pending, submitted, succeeded, failed, cancelled, expired, started, verification, verify_due_at,
    verify_looks, verify_host, retry_of, created_at, finished_at, cancelled_at, version
from jobs
order by id;

drop table jobs;
alter table jobs_kept rename to jobs;

create index jobs_of_tenant on jobs (tenant_id, id);
create index jobs_to_verify on jobs (verify_due_at) where verify_due_at is not null;
create index jobs_to_verify_by_host on jobs (verify_host, verify_due_at) where verify_due_at is not null;
create index jobs_with_deadline on jobs (deadline) where deadline is not null and finished_at is null;
