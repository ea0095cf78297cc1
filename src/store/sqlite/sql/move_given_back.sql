-- The items of submission $1 come back as $2 (due or failed, with failure $4). With $3 > 0 the first $3 distinct
-- targets and the rest become two cohorts, named after the submission so that no other has the same name. Items that
-- would be due, of a job with a cancel mark, are cancelled instead.
insert into moves (item_id, job_id, lane_id, priority, was, becomes, cohort, failure_id, attempt)
select i.id, i.job_id, i.lane_id, i.priority, i.state,
    case when $2 = 0 and j.cancelled_at is not null then 6 else $2 end,
    case when $3 > 0 then $1 * 2 + (r.place > $3) else i.cohort end,
    coalesce($4, i.failure_id), $2 = 5
from items as i
join (
    select target, row_number() over (order by min(id)) as place
    from items
    where submission_id = $1 and state = 3
    group by target
) as r on r.target = i.target
join jobs as j on j.id = i.job_id
where i.submission_id = $1 and i.state = 3;
