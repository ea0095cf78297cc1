-- Targets that may have been charged to a tenant since $1, by lane and tenant; calls open at that moment count as in
-- quota_usage_by_lane.sql.
select l.account, l.operation, l.kind, l.area, l.mode, t.name as tenant, sum(p.targets) as targets
from submissions as s
cross join places as p on p.submission_id = s.id
cross join tenants as t on t.id = p.tenant_id
cross join lanes as l on l.id = s.lane_id
where s.state in ('sending', 'accepted', 'ambiguous', 'settled')
    and s.created_at >= $1 - 3600000
    and (s.created_at >= $1 or s.answered_at is null or s.answered_at >= $1)
group by l.id, t.id;
