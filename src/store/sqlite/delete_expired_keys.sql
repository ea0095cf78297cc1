-- Deletes idempotency keys from before $1 whose jobs are final, at most $2. The key of an open job stays, however old.
delete from idempotency_keys
where (tenant_id, key) in (
    select k.tenant_id, k.key
    from idempotency_keys as k
    join jobs as j on j.id = k.job_id
    where k.created_at < $1 and j.finished_at is not null
    order by k.created_at
    limit $2
);
