-- Every lane that has due items, and whether an ambiguous submission of its account and operation holds it.
select l.id, l.account, l.operation, l.kind, l.area, l.mode,
    sum(case d.priority when 0 then d.due else 0 end) as urgent,
    sum(case d.priority when 1 then d.due else 0 end) as normal,
    sum(case d.priority when 2 then d.due else 0 end) as bulk,
    exists (
        select 1
        from submissions as s
        join lanes as theirs on theirs.id = s.lane_id
        where s.state = 'ambiguous' and s.state in ('accepted', 'ambiguous')
            and theirs.account = l.account and theirs.operation = l.operation
    ) as held
from depths as d
join lanes as l on l.id = d.lane_id
where d.due > 0
group by l.id;
