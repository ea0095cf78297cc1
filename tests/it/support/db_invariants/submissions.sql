-- Submissions whose columns, or whose items, do not fit their state.
select 'submission ' || s.id || ' is ' || s.state || ' with ' || s.targets || ' targets: '
    || json_object('travelling', coalesce(t.targets, 0), 'task', s.task_id, 'due_at', s.due_at, 'answered_at', s.answered_at)
from submissions as s
left join (
    select submission_id, count(distinct target) as targets from items where state = 3 and coalesce(ride, 0) = 0 group by submission_id
) as t on t.submission_id = s.id
where case when s.state in ('sending', 'accepted', 'ambiguous') then s.targets else 0 end <> coalesce(t.targets, 0)
    or s.targets < 1
    or (s.due_at is not null) <> (s.state in ('accepted', 'ambiguous'))
    or (s.answered_at is null) <> (s.state = 'sending')
    or (s.task_id is not null) <> (s.state in ('accepted', 'settled'))
    or (s.failure_id is null and s.state in ('refused', 'released', 'ambiguous'));
