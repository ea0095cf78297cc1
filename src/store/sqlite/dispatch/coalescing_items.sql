-- Due items of lane $1 with the target of an item that has a move, and without a move of their own. They are claimed along
-- with it, whatever their tenant, priority or isolation group (law 5). At most $2.
select distinct r.id, r.target, l.kind
from moves as m
cross join items as p on p.id = m.item_id
cross join items as r on r.target_key = p.target_key
cross join lanes as l on l.id = r.lane_id
where r.target_key is not null and r.state = DUE and r.lane_id = $1 and r.id <> p.id and r.target = p.target
    and r.id not in (select item_id from moves)
limit $2;
