-- Open submissions in state $1 that are to be checked at $2, the most overdue first, at most $3.
select s.id, s.targets, s.task_id, s.created_at, s.answered_at, s.looks, l.account, l.operation, l.kind, l.area, l.mode
from submissions as s
join lanes as l on l.id = s.lane_id
where s.state = $1 and s.state in ('accepted', 'ambiguous') and s.due_at <= $2
order by s.due_at
limit $3;
