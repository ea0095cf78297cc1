-- Submissions whose call has no answer yet.
select s.id, s.targets, s.task_id, s.created_at, s.answered_at, s.looks, l.account, l.operation, l.kind, l.area, l.mode
from submissions as s
cross join lanes as l on l.id = s.lane_id
where s.state = 'sending'
order by s.id;
