-- Items whose columns do not fit their state.
select 'item ' || i.id || ' in state ' || i.state || ': '
    || json_object('due_at', i.due_at, 'failure', i.failure_id, 'submission', i.submission_id, 'attempts', i.attempts, 'of', s.state)
from items as i
left join submissions as s on s.id = i.submission_id
left join failures as f on f.id = i.failure_id
left join items as d on d.id = i.ride
left join lanes as ours on ours.id = i.lane_id
left join lanes as theirs on theirs.id = d.lane_id
where (i.due_at is not null) <> (i.state = 1)
    or (i.state = 5 and f.id is null)
    or (i.state = 4 and (i.failure_id is not null or i.attempts = 0 or s.state is not 'settled'))
    or (i.state = 3 and (s.id is null or s.state not in ('sending', 'accepted', 'ambiguous')))
    or (i.state <> 3 and s.state in ('sending', 'accepted', 'ambiguous'))
    or (i.submission_id is not null and s.lane_id is not i.lane_id and i.ride is null)
    -- A covered item is below a directory of the same submission, account and area; any other is in a submission of its own lane.
    or (i.state in (3, 4) and (coalesce(i.ride, 0) = 0) <> (s.lane_id is i.lane_id))
    or (i.ride > 0 and i.state not in (3, 4))
    or (i.state = 3 and i.ride > 0 and i.submission_id is not d.submission_id)
    or (i.ride > 0 and (
        i.target not like d.target || '%' or ours.account <> theirs.account or ours.area <> theirs.area
        or json_array(ours.operation, ours.kind, theirs.operation, theirs.kind, theirs.mode)
            <> json_array('purge', 'url', 'purge', 'directory', 'delete')
    ))
    or (i.failure_id is not null and f.id is null);
