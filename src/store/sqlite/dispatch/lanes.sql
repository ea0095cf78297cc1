-- Every lane that was ever used. Its oldest item is looked for at the front of each priority and of the isolated items: a
-- walk over all due items would take seconds.
select l.id, l.account, l.operation, l.kind, l.area, l.mode,
    coalesce(sum(case d.priority when URGENT then d.due end), 0) as urgent,
    coalesce(sum(case d.priority when NORMAL then d.due end), 0) as normal,
    coalesce(sum(case d.priority when BULK then d.due end), 0) as bulk,
    coalesce(sum(d.delayed), 0) as delayed,
    coalesce(sum(d.blocked), 0) as blocked,
    (select count(*) from submissions as s where s.state = 'sending' and s.lane_id = l.id) as in_flight,
    (
        select min(j.created_at)
        from (
            select (
                select job_id from items
                where state = DUE and lane_id = l.id and cohort = 0 and priority = each.priority order by rank limit 1
            ) as job_id
            from (select URGENT as priority union all select NORMAL union all select BULK) as each
            union all
            select (
                select job_id from items
                where state = DUE and lane_id = l.id and cohort > 0 order by cohort, priority, rank limit 1
            )
        ) as head
        join jobs as j on j.id = head.job_id
    ) as oldest,
    h.paused_by, h.paused_at, h.reason as pause_reason
from lanes as l
left join depths as d on d.lane_id = l.id
left join lane_pauses as h on h.lane_id = l.id and h.resumed_at is null
group by l.id
order by l.id;
