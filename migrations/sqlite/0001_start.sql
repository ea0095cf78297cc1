-- The tables of a job's walk. Rows are lean where there are millions of them (items): integer ids inside, public ids
-- beside, a job's items as one contiguous id range, and what is not due in another state than what is, so that no
-- claim walks over rows that cannot go. Times are milliseconds since the epoch, UTC.

create table tenants (
    id integer primary key,
    name text not null unique
) strict;

-- Whatever one call may carry together. `mode` is empty for URLs.
create table lanes (
    id integer primary key,
    account text not null,
    operation text not null check (operation in ('purge', 'prefetch')),
    kind text not null check (kind in ('url', 'directory')),
    area text not null check (area in ('own', 'mainland', 'overseas', 'global')),
    mode text not null check (mode in ('', 'delete', 'invalidate')),
    unique (account, operation, kind, area, mode)
) strict;

-- How many items of a lane may go (due), wait for a moment (delayed) or for their purge (blocked). Counters, because a
-- count by scan takes seconds at ten million items; they move in the items' own transaction.
create table depths (
    lane_id integer not null references lanes (id),
    priority integer not null,
    due integer not null check (due >= 0),
    delayed integer not null check (delayed >= 0),
    blocked integer not null check (blocked >= 0),
    primary key (lane_id, priority)
) strict, without rowid;

create table jobs (
    id integer primary key,
    public_id blob not null unique check (length(public_id) = 16),
    tenant_id integer not null references tenants (id),
    operation text not null check (operation in ('purge', 'prefetch', 'refresh')),
    priority integer not null check (priority between 0 and 2),
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
    pending integer not null check (pending >= 0),
    submitted integer not null default 0 check (submitted >= 0),
    succeeded integer not null default 0 check (succeeded >= 0),
    failed integer not null default 0 check (failed >= 0),
    cancelled integer not null default 0 check (cancelled >= 0),
    expired integer not null default 0 check (expired >= 0),
    -- Whether any item was ever claimed.
    started integer not null default 0 check (started in (0, 1)),
    verification text not null check (verification in ('none', 'pending', 'fresh', 'stale', 'unknown')),
    verify_due_at integer,
    verify_looks integer not null default 0,
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

-- The hosts that a job touches, so that finding a host's jobs reads no items.
create table job_hosts (
    job_id integer not null,
    host text not null,
    primary key (job_id, host)
) strict, without rowid;

create index jobs_to_verify on jobs (verify_due_at) where verify_due_at is not null;
create index jobs_with_deadline on jobs (deadline) where deadline is not null and finished_at is null;

-- state: 0 due, 1 delayed, 2 blocked (all three are `pending` outside), 3 submitted, 4 succeeded, 5 failed,
-- 6 cancelled, 7 expired. No foreign keys here: this is the bulk path, and the writer makes job and items together.
create table items (
    id integer primary key,
    job_id integer not null,
    lane_id integer not null,
    state integer not null check (state between 0 and 7),
    priority integer not null,
    -- Place in the lane among items of one priority.
    rank integer not null,
    -- Items that must travel without others, to find out which target the provider refuses; 0 is open company.
    cohort integer not null default 0,
    attempts integer not null default 0,
    due_at integer,
    submission_id integer,
    failure_id integer,
    target text not null
) strict;

create index items_due on items (lane_id, cohort, priority, rank) where state = 0;
create index items_delayed on items (due_at) where state = 1;
create index items_submitted on items (submission_id) where state = 3;

-- One call each, written before it is made.
create table submissions (
    id integer primary key,
    lane_id integer not null references lanes (id),
    state text not null check (state in ('sending', 'accepted', 'refused', 'released', 'ambiguous', 'settled')),
    -- Distinct targets: what the provider charges.
    targets integer not null,
    created_at integer not null,
    answered_at integer,
    task_id text,
    request_id text,
    due_at integer,
    looks integer not null default 0,
    failure_id integer
) strict;

create index submissions_open on submissions (due_at) where state in ('accepted', 'ambiguous');
create index submissions_sending on submissions (id) where state = 'sending';
create index submissions_by_task on submissions (task_id) where task_id is not null;
create index submissions_by_request on submissions (request_id) where request_id is not null;
create index submissions_by_time on submissions (created_at);

-- What went wrong, once for all items it happened to.
create table failures (
    id integer primary key,
    class text not null,
    code text not null,
    message text not null,
    request_id text,
    at integer not null
) strict;

create index failures_by_request on failures (request_id) where request_id is not null;

-- What happened to a job: append-only, and a number is never used twice.
create table events (
    seq integer primary key autoincrement,
    job_id integer not null,
    at integer not null,
    kind text not null,
    items integer,
    submission_id integer,
    failure_id integer,
    message text not null
) strict;

create index events_of_job on events (job_id, seq);
create index events_of_submission on events (submission_id) where submission_id is not null;
create index events_of_failure on events (failure_id) where failure_id is not null;

-- What the edge was seen to serve for an item that verification looked at.
create table verdicts (
    item_id integer primary key,
    verification text not null check (verification in ('fresh', 'stale', 'unknown')),
    reason text not null,
    at integer not null
) strict;

create table idempotency_keys (
    tenant_id integer not null references tenants (id),
    key text not null,
    fingerprint blob not null,
    job_id integer not null,
    created_at integer not null,
    primary key (tenant_id, key)
) strict, without rowid;
