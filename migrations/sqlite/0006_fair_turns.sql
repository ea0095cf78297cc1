-- Fair turns (law 8). A tenant's items stand in their lane as far apart as its weight asks, from wherever the lane has got
-- to: a newcomer's first item is next, however many another tenant has waiting.

-- How far the lane has got, among items of one priority: the highest rank that left in its turn.
alter table depths add column turn integer not null default 0;

-- How far a tenant has written ahead: the rank of its last item, and the one before those of the last group of new jobs.
create table turns (
    lane_id integer not null references lanes (id),
    priority integer not null,
    tenant_id integer not null references tenants (id),
    base integer not null,
    last integer not null,
    primary key (lane_id, priority, tenant_id)
) strict, without rowid;
