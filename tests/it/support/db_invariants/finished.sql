-- Jobs that are finished while an item is open, or the other way round; or whose verification does not fit.
select 'job ' || id || ' has ' || (pending + submitted) || ' open items, finished at ' || coalesce(finished_at, 'no time')
from jobs
where (pending + submitted = 0) <> (finished_at is not null)
union all
select 'job ' || id || ' is verified ' || verification || ', to be looked at ' || coalesce(verify_due_at, 'never')
from jobs
where (verify_due_at is not null) <> (finished_at is not null and verification = 'pending')
    or (verify_host is not null) <> (verify_due_at is not null)
    or (verification in ('fresh', 'stale') and (finished_at is null or succeeded = 0))
    or (verification = 'unknown' and finished_at is null);
