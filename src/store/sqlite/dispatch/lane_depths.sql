-- Every lane that has due items.
select l.id, l.account, l.operation, l.kind, l.area, l.mode,
    sum(case d.priority when URGENT then d.due else 0 end) as urgent,
    sum(case d.priority when NORMAL then d.due else 0 end) as normal,
    sum(case d.priority when BULK then d.due else 0 end) as bulk,
    h.paused_by, h.paused_at, h.reason as pause_reason
from depths as d
join lanes as l on l.id = d.lane_id
left join lane_pauses as h on h.lane_id = l.id and h.resumed_at is null
where d.due > 0
group by l.id;
