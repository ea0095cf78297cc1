-- The distinct targets of open submission $1.
select distinct i.target, l.kind
from items as i
join lanes as l on l.id = i.lane_id
where i.submission_id = $1 and i.state = 3;
