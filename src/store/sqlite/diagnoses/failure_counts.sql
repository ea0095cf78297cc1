-- How many items of job $1 failed in each way, most frequent first, at most $2 ways.
select f.class, f.code, count(*) as items
from jobs as j
join items as i on i.id >= j.first_item
    and i.id < j.first_item + j.pending + j.submitted + j.succeeded + j.failed + j.cancelled + j.expired
join failures as f on f.id = i.failure_id
where j.id = $1 and i.state = FAILED
group by f.class, f.code
order by items desc, f.class, f.code
limit $2;
