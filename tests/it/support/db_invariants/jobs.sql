-- Jobs whose counts are not those of their items, or that say wrongly whether any was ever claimed.
select 'job ' || j.id || ' counts ' || json_array(j.pending, j.submitted, j.succeeded, j.failed, j.cancelled, j.expired, j.started)
    || ', its items are ' || json_array(c.pending, c.submitted, c.succeeded, c.failed, c.cancelled, c.expired, c.started)
from jobs as j
join (
    select j.id,
        coalesce(sum(i.state in (0, 1, 2)), 0) as pending,
        coalesce(sum(i.state = 3), 0) as submitted,
        coalesce(sum(i.state = 4), 0) as succeeded,
        coalesce(sum(i.state = 5), 0) as failed,
        coalesce(sum(i.state = 6), 0) as cancelled,
        coalesce(sum(i.state = 7), 0) as expired,
        coalesce(max(i.submission_id is not null), 0) as started
    from jobs as j
    left join items as i on i.job_id = j.id
    group by j.id
) as c on c.id = j.id
where json_array(j.pending, j.submitted, j.succeeded, j.failed, j.cancelled, j.expired, j.started)
    <> json_array(c.pending, c.submitted, c.succeeded, c.failed, c.cancelled, c.expired, c.started);
