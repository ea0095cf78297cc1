-- Distinct targets that may have been charged since $1, by lane. A call that was open over the bound counts on both
-- sides of it, and none is open for an hour; but one whose answer was lost counts until that is settled, however old it is.
select l.account, l.operation, l.kind, l.area, l.mode, sum(s.targets) as spent, sum(s.open * s.targets) as in_flight
from (
    select lane_id, targets, 0 as open
    from submissions
    where state in ('accepted', 'settled')
        and created_at >= $1 - 3600000
        and (created_at >= $1 or answered_at is null or answered_at >= $1)
    union all
    select lane_id, targets, 1 from submissions where state = 'sending'
    union all
    select lane_id, targets, 1 from submissions where state = 'ambiguous'
) as s
join lanes as l on l.id = s.lane_id
group by l.id;
