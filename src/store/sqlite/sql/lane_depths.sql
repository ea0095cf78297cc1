-- Every lane that has due items.
select l.id, l.account, l.operation, l.kind, l.area, l.mode,
    sum(case d.priority when 0 then d.due else 0 end) as urgent,
    sum(case d.priority when 1 then d.due else 0 end) as normal,
    sum(case d.priority when 2 then d.due else 0 end) as bulk
from depths as d
join lanes as l on l.id = d.lane_id
where d.due > 0
group by l.id;
