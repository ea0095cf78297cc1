-- The blocked prefetches that the purges ending here decide (law 6 within a refresh). A prefetch becomes due when the purge
-- of the same URL and the purges of all directories above it in the same job have succeeded, and fails as soon as one of
-- them ended otherwise; until then it stays blocked and gets no move. A job numbers URL purges, directory purges, and then,
-- `pair_offset` items after its own purge, the prefetch of each URL; prefetches that have no purge of their own come last.
-- The crosses and pluses keep SQLite from walking over all items and looking for the few that matter.
with recursive ended as materialized (
    select j.id as job_id, j.first_item, j.first_item + j.pair_offset as first_prefetch, j.pair_offset,
        j.first_item + j.pending + j.submitted + j.succeeded + j.failed + j.cancelled + j.expired as past_last
    from jobs as j
    where j.id in (select job_id from moves where becomes in (SUCCEEDED, FAILED)) and j.pair_offset > 0
),
-- From the last purge of each job backwards: a job without directories costs one lookup.
directories (job_id, first_item, id, target, state, ends) as (
    select n.job_id, n.first_item, i.id, i.target, coalesce(m.becomes, i.state), m.becomes in (SUCCEEDED, FAILED)
    from ended as n
    cross join items as i on i.id = n.first_prefetch - 1
    cross join lanes as l on l.id = i.lane_id and l.kind = 'directory'
    left join moves as m on m.item_id = i.id
    union all
    select d.job_id, d.first_item, i.id, i.target, coalesce(m.becomes, i.state), m.becomes in (SUCCEEDED, FAILED)
    from directories as d
    cross join items as i on i.id = d.id - 1
    cross join lanes as l on l.id = i.lane_id and l.kind = 'directory'
    left join moves as m on m.item_id = i.id
    where d.id > d.first_item
),
-- Blocked prefetches with a purge that ends here: the one of the same URL, or a directory's.
candidates (id, job_id, target, purge_id) as materialized (
    select p.id, p.job_id, p.target, m.item_id
    from moves as m
    cross join ended as n on n.job_id = m.job_id
    cross join items as p on p.id = m.item_id + n.pair_offset
    where m.becomes in (SUCCEEDED, FAILED) and +m.item_id < n.first_prefetch and p.id < n.past_last and p.state = BLOCKED
    union
    select p.id, p.job_id, p.target, p.id - n.pair_offset
    from ended as n
    cross join items as p on p.id >= n.first_prefetch and p.id < n.past_last
    cross join directories as d on d.job_id = n.job_id and substr(p.target, 1, length(d.target)) = d.target
    where n.job_id in (select job_id from directories where ends) and +p.state = BLOCKED and d.ends
),
-- The state after this change of each purge that a candidate waits for.
holds (prefetch_id, state) as (
    select c.id, coalesce(m.becomes, i.state)
    from candidates as c
    cross join items as i on i.id = c.purge_id and i.target = c.target
    left join moves as m on m.item_id = i.id
    union all
    select c.id, d.state
    from candidates as c
    cross join directories as d on d.job_id = c.job_id and substr(c.target, 1, length(d.target)) = d.target
)
insert into moves (item_id, job_id, lane_id, priority, was, becomes)
select p.id, p.job_id, p.lane_id, p.priority, p.state, case when max(h.state) > SUCCEEDED then FAILED else DUE end
from holds as h
cross join items as p on p.id = h.prefetch_id
group by h.prefetch_id
having max(h.state) > SUCCEEDED or min(h.state) = SUCCEEDED;
