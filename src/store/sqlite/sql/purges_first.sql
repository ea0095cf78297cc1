-- The prefetches of $1 ([[item, key, covering target, its kind], ...]: a row for the target itself and each directory above it)
-- that have to wait: a purge of that target, accepted before, is open (law 6).
select distinct w.value ->> 0
from json_each($1) as w
cross join items as i on i.target_key = w.value ->> 1
cross join lanes as l on l.id = i.lane_id
where i.target_key is not null and i.state <= 3 and i.id < w.value ->> 0 and i.target = w.value ->> 2
    and l.operation = 'purge' and l.kind = w.value ->> 3;
