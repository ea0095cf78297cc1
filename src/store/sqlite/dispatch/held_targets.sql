-- Of the targets with keys $2, those of lane $1's account, operation and kind whose call has no answer. Whether the
-- provider did them is not known, so no other call may have them (law 4).
select distinct i.target
from json_each($2) as k
cross join items as i on i.target_key = k.value
cross join submissions as s on s.id = i.submission_id
cross join lanes as theirs on theirs.id = i.lane_id
cross join lanes as ours on ours.id = $1
where i.target_key is not null and i.state = SUBMITTED and coalesce(i.ride, 0) = 0 and s.state = 'ambiguous'
    and theirs.account = ours.account and theirs.operation = ours.operation and theirs.kind = ours.kind;
