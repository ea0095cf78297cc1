-- How many moves end a purge that a prefetch of the same job may wait for.
select count(*)
from moves as m
join jobs as j on j.id = m.job_id
where j.pair_offset > 0 and m.becomes in (4, 5);
