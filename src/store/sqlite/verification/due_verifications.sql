-- Jobs that are due for verification at $1, the longest due first, at most $2.
select id, public_id, finished_at, verify_looks, verify_host
from jobs
where verify_due_at <= $1
order by verify_due_at
limit $2;
