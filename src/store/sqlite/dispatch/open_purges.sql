-- The open purges among targets with keys $1: of each target the one that was requested first. A prefetch that was
-- requested after it waits for it (law 6), unless its job asked not to be sent before a moment later than $2 (now).
select l.kind, i.target, min(i.id) as first
from json_each($1) as k
cross join items as i on i.target_key = k.value
cross join lanes as l on l.id = i.lane_id
cross join jobs as j on j.id = i.job_id
where i.target_key is not null and i.state <= SUBMITTED and l.operation = 'purge'
    and not (i.state = DELAYED and j.not_before is not null and j.not_before > $2)
group by l.kind, i.target;
