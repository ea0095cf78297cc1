-- Who pays: of each submission, how many places a tenant's items won whose share of the day quotas is bounded. Others have no
-- rows, so shares that are set anew count from then on.
create table places (
    submission_id integer not null,
    tenant_id integer not null references tenants (id),
    targets integer not null check (targets > 0),
    primary key (submission_id, tenant_id)
) strict, without rowid;
