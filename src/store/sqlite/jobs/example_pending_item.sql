-- A pending item of job $1. Items are sent in the order of their ids, so the last ones are pending longest; if that one
-- waits for its purge, the purge is the better example while it is pending too.
select coalesce(purge.id, last.id) as id, coalesce(purge.target, last.target) as target,
    coalesce(purge.lane_id, last.lane_id) as lane_id,
    coalesce(purge.state, last.state) as state,
    case when purge.id is null then last.due_at else purge.due_at end as due_at,
    (select kind from lanes where id = coalesce(purge.lane_id, last.lane_id)) as kind,
    w.reason as wait_reason, w.detail as wait_detail,
    f.class, f.code, f.message as failure_message, f.request_id as failure_request_id
from (
    select i.id, i.target, i.lane_id, i.state, i.due_at, i.failure_id, i.wait_id, j.pair_offset
    from jobs as j
    join items as i on i.id >= j.first_item
        and i.id < j.first_item + j.pending + j.submitted + j.succeeded + j.failed + j.cancelled + j.expired
    where j.id = $1 and i.state in (DUE, DELAYED, BLOCKED)
    order by i.id desc
    limit 1
) as last
left join items as purge on last.state = BLOCKED and purge.id = last.id - last.pair_offset and purge.state in (DUE, DELAYED)
left join failures as f on f.id = case when purge.id is null then last.failure_id else purge.failure_id end
left join waits as w on w.id = case when purge.id is null then last.wait_id else purge.wait_id end;
