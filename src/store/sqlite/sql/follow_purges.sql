-- The prefetch of each purge that ends here: due if the purge succeeded, failed with failure $1 if not. $2 now.
-- It stands `pair_offset` items after its purge, in the same job; a directory has none.
insert into moves (item_id, job_id, lane_id, priority, was, becomes, failure_id)
select p.id, p.job_id, p.lane_id, p.priority, p.state,
    case m.becomes when 4 then 0 else 5 end,
    case m.becomes when 4 then null else $1 end
from moves as m
join jobs as j on j.id = m.job_id
join items as p on p.id = m.item_id + j.pair_offset
where j.pair_offset > 0 and m.becomes in (4, 5) and p.job_id = m.job_id and p.state = 2;

insert into events (job_id, at, kind, items, failure_id, message)
select job_id, $2, 'failed', count(*), $1, 'not prefetched, because the purge before it failed'
from moves
where was = 2 and becomes = 5
group by job_id;
