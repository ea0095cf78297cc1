-- Distinct targets that may have been charged since $1, by lane. A call that was open at that moment counts before and
-- after it; no call is open for an hour, but one whose answer was lost counts until that is settled, however old it is.
-- Calls that the provider's list did not show (failure code $2) count apart.
select l.account, l.operation, l.kind, l.area, l.mode,
    sum(s.spent * s.targets) as spent, sum(s.open * s.targets) as in_flight, sum((1 - s.spent) * s.targets) as undecided
from (
    select lane_id, targets, 1 as spent, 0 as open
    from submissions
    where state in ('accepted', 'settled')
        and created_at >= $1 - 3600000
        and (created_at >= $1 or answered_at is null or answered_at >= $1)
    union all
    select lane_id, targets, 1, 1 from submissions where state = 'sending'
    union all
    select lane_id, targets, 1, 1 from submissions where state = 'ambiguous'
    union all
    select r.lane_id, r.targets, 0, 0
    from submissions as r
    cross join failures as f on f.id = r.failure_id
    where r.state = 'released' and f.code = $2
        and r.created_at >= $1 - 3600000
        and (r.created_at >= $1 or r.answered_at is null or r.answered_at >= $1)
) as s
join lanes as l on l.id = s.lane_id
group by l.id;
