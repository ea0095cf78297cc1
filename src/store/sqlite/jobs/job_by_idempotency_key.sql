-- The idempotency key $2 of tenant $1, if it is stored, with its job.
select k.fingerprint, j.public_id
from tenants as t
join idempotency_keys as k on k.tenant_id = t.id and k.key = $2
join jobs as j on j.id = k.job_id
where t.name = $1;
