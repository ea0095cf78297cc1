-- Due items of lane $1 with one of the targets of $2 ([[key, target], ...]) that are not in $3 yet: they travel along, whatever
-- their tenant, priority or cohort (law 5). At most $4.
select i.id, i.target, l.kind
from json_each($2) as t
cross join items as i on i.target_key = t.value ->> 0
cross join lanes as l on l.id = i.lane_id
where i.target_key is not null and i.state = 0 and i.lane_id = $1 and i.target = t.value ->> 1
    and i.id not in (select value from json_each($3))
limit $4;
