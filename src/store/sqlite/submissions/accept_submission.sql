-- Submission $1 has task $2 (request $3), which is first polled at $4. $5 now. If another submission of the same account
-- and operation has this task, nothing changes: with two, targets would end that were never done.
update submissions
set state = 'accepted', task_id = $2, request_id = $3, due_at = $4, answered_at = $5, looks = 0
where id = $1
    and state in ('sending', 'ambiguous')
    and not exists (
        select 1
        from submissions as other
        join lanes as theirs on theirs.id = other.lane_id
        join lanes as ours on ours.id = submissions.lane_id
        where other.task_id = $2 and other.id <> $1
            and theirs.account = ours.account and theirs.operation = ours.operation
    );
