-- The idempotency keys of $1, [[tenant, key], ...], that are stored, with their jobs.
select k.tenant_id, k.key, k.fingerprint, j.public_id
from json_each($1) as asked
join idempotency_keys as k on k.tenant_id = asked.value ->> 0 and k.key = asked.value ->> 1
join jobs as j on j.id = k.job_id;
