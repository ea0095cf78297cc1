-- Targets of lane $1's operation and kind whose call has no answer, in whatever lane: what became of them is not known, so
-- no other call with one of them leaves (law 4).
select distinct i.target
from submissions as s
join lanes as theirs on theirs.id = s.lane_id
join lanes as ours on ours.id = $1
join items as i on i.submission_id = s.id and i.state = 3
where s.state = 'ambiguous' and theirs.operation = ours.operation and theirs.kind = ours.kind;
