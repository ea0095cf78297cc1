-- Lanes whose depths are not what their pending items are.
with counted as (
    select lane_id, priority, sum(state = 0) as due, sum(state = 1) as delayed, sum(state = 2) as blocked
    from items
    group by lane_id, priority
)
select 'lane ' || lane_id || ', priority ' || priority || ': told ' || told || ', counted ' || counted
from (
    select coalesce(d.lane_id, c.lane_id) as lane_id, coalesce(d.priority, c.priority) as priority,
        json_array(coalesce(d.due, 0), coalesce(d.delayed, 0), coalesce(d.blocked, 0)) as told,
        json_array(coalesce(c.due, 0), coalesce(c.delayed, 0), coalesce(c.blocked, 0)) as counted
    from depths as d
    full join counted as c on c.lane_id = d.lane_id and c.priority = d.priority
)
where told <> counted;
