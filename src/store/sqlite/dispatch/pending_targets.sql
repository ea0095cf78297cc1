-- The targets of $2, [[key, target], ...], that are pending in lane $1.
select distinct i.target, l.kind
from json_each($2) as t
cross join items as i on i.target_key = t.value ->> 0
cross join lanes as l on l.id = i.lane_id
where i.target_key is not null and i.state in (DUE, DELAYED, BLOCKED) and i.lane_id = $1 and i.target = t.value ->> 1;
