-- Distinct targets that may have been charged since $1, by lane. A call that was open over the bound counts on both
-- sides of it; no call is open for an hour.
select l.account, l.operation, l.kind, l.area, l.mode,
    sum(s.targets) as spent,
    sum(case when s.state in ('sending', 'ambiguous') then s.targets else 0 end) as in_flight
from submissions as s
join lanes as l on l.id = s.lane_id
where s.state in ('sending', 'accepted', 'ambiguous', 'settled')
    and s.created_at >= $1 - 3600000
    and (s.created_at >= $1 or s.answered_at is null or s.answered_at >= $1)
group by l.id;
