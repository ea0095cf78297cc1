-- Each item's end was told once: the events of a job add up to its counts. Its acceptance is told by its row.
select 'job ' || j.id || ': told ' || t.told || ', counted ' || c.counted
from jobs as j
join (
    select j.id, json_array(
        coalesce(sum(e.kind = 'accepted'), 0),
        coalesce(sum(case when e.kind = 'settled' then e.items end), 0),
        coalesce(sum(case when e.kind = 'failed' then e.items end), 0),
        coalesce(sum(case when e.kind = 'expired' then e.items end), 0),
        coalesce(sum(e.kind = 'finished'), 0),
        coalesce(max(case when e.kind = 'finished' then e.items end), 0)
    ) as told
    from jobs as j
    left join events as e on e.job_id = j.id
    group by j.id
) as t on t.id = j.id
join (
    select id, json_array(
        0, succeeded, failed, expired, finished_at is not null,
        case when finished_at is null then 0 else succeeded + failed + cancelled + expired end
    ) as counted
    from jobs
) as c on c.id = j.id
where t.told <> c.counted;
