-- The distinct targets of open submission $1. URLs that are attached to a directory are not sent.
select distinct i.target, l.kind
from items as i
join lanes as l on l.id = i.lane_id
where i.submission_id = $1 and i.state = SUBMITTED and coalesce(i.ride, 0) = 0;
