-- Tasks that two submissions of one account and operation have.
select 'task ' || s.task_id || ' has submissions ' || group_concat(s.id)
from submissions as s
join lanes as l on l.id = s.lane_id
where s.task_id is not null
group by s.task_id, l.account, l.operation
having count(*) > 1;
