-- Jobs that want a look at $1, by moment, at most $2.
select id, public_id, finished_at, verify_looks, verify_host
from jobs
where verify_due_at <= $1
order by verify_due_at
limit $2;
