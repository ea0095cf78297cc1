-- How many moves end a purge that a prefetch of the same job waits for, and how many of these without success.
select count(*) as ended, coalesce(sum(m.becomes = 5), 0) as failed
from moves as m
join jobs as j on j.id = m.job_id
join items as p on p.id = m.item_id + j.pair_offset
where j.pair_offset > 0 and m.becomes in (4, 5) and p.job_id = m.job_id and p.state = 2;
