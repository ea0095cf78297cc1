-- Distinct targets that may have been charged since $1, by lane. A call that was open over the bound counts on both
-- sides of it; no call is open for an hour. A lost call that the provider's list ($2) did not show counts apart.
select l.account, l.operation, l.kind, l.area, l.mode,
    sum(case when s.state = 'released' then 0 else s.targets end) as spent,
    sum(case when s.state in ('sending', 'ambiguous') then s.targets else 0 end) as in_flight,
    sum(case when s.state = 'released' then s.targets else 0 end) as undecided
from submissions as s
join lanes as l on l.id = s.lane_id
left join failures as f on f.id = s.failure_id and s.state = 'released'
where (s.state in ('sending', 'accepted', 'ambiguous', 'settled') or f.code = $2)
    and s.created_at >= $1 - 3600000
    and (s.created_at >= $1 or s.answered_at is null or s.answered_at >= $1)
group by l.id;
