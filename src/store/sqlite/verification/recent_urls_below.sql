-- At most $3 URLs below the directory $1 of host $2 that recent jobs had. Reads a bounded number of the newest jobs, and of
-- each a bounded number of items.
with recent as (
    select id, host, first_item, pending + submitted + succeeded + failed + cancelled + expired as total
    from jobs
    order by id desc
    limit 1000
), of_host as (
    select r.id, r.first_item, r.total
    from recent as r
    where r.host = $2 or exists (select 1 from job_hosts where job_id = r.id and host = $2)
    order by r.id desc
    limit 10
)
select i.target, max(j.id) as newest
from of_host as j
join items as i on i.id >= j.first_item and i.id < j.first_item + min(j.total, 200)
join lanes as l on l.id = i.lane_id
where l.kind = 'url' and substr(i.target, 1, length($1)) = $1
group by i.target
order by newest desc, i.target
limit $3;
