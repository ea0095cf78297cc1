-- Jobs that are due for verification at $1, of at most $3 hosts after host $2, by host and time, at most $4 of each. The
-- query jumps from host to host in the index, so that a host with many jobs costs no more than one with few. A host of
-- which nothing is due yet has a row without a job, which shows how far the scan has come.
with recursive waiting (host, place) as (
    select (select min(verify_host) from jobs where verify_due_at is not null and verify_host > $2), 1
    union all
    select (select min(verify_host) from jobs where verify_due_at is not null and verify_host > waiting.host), place + 1
    from waiting
    where waiting.host is not null and place < $3
)
select w.host as walked, w.place, j.id, j.public_id, j.finished_at, j.verify_looks, j.verify_host
from waiting as w
left join jobs as j on j.id in (
    select id
    from jobs
    where verify_due_at <= $1 and verify_host = w.host
    order by verify_due_at
    limit $4
)
where w.host is not null
order by w.place, j.verify_due_at;
