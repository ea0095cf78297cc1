-- Applies the rows of `moves` to the items, to the counters of their jobs and lanes, and finishes jobs without open items.
-- $1: now. The plus keeps SQLite from walking over all items and looking for the move of each: it must walk the moves.
update items
set state = m.becomes,
    cohort = m.cohort,
    due_at = m.due_at,
    submission_id = coalesce(m.submission_id, items.submission_id),
    failure_id = m.failure_id,
    attempts = items.attempts + m.attempt,
    ride = coalesce(m.ride, items.ride)
from moves as m
where items.id = +m.item_id and items.state = m.was;

-- An item that has ended (its state is above SUBMITTED) is not found by its target any more.
update items
set target_key = null
from moves as m
where items.id = +m.item_id and m.becomes > SUBMITTED;

update jobs
set pending = jobs.pending + d.pending,
    submitted = jobs.submitted + d.submitted,
    succeeded = jobs.succeeded + d.succeeded,
    failed = jobs.failed + d.failed,
    cancelled = jobs.cancelled + d.cancelled,
    expired = jobs.expired + d.expired,
    started = max(jobs.started, d.started),
    version = jobs.version + 1
from (
    select job_id,
        sum(becomes <= BLOCKED) - sum(was <= BLOCKED) as pending,
        sum(becomes = SUBMITTED) - sum(was = SUBMITTED) as submitted,
        sum(becomes = SUCCEEDED) as succeeded,
        sum(becomes = FAILED) as failed,
        sum(becomes = CANCELLED) as cancelled,
        sum(becomes = EXPIRED) as expired,
        max(becomes = SUBMITTED) as started
    from moves
    group by job_id
) as d
where jobs.id = d.job_id;

update depths
set due = depths.due + d.due, delayed = depths.delayed + d.delayed, blocked = depths.blocked + d.blocked
from (
    select lane_id, priority,
        sum(becomes = DUE) - sum(was = DUE) as due,
        sum(becomes = DELAYED) - sum(was = DELAYED) as delayed,
        sum(becomes = BLOCKED) - sum(was = BLOCKED) as blocked
    from moves
    group by lane_id, priority
) as d
where depths.lane_id = d.lane_id and depths.priority = d.priority;

insert into events (job_id, at, kind, items, message)
select id, $1, 'finished', succeeded + failed + cancelled + expired,
    succeeded || ' succeeded, ' || failed || ' failed, ' || cancelled || ' cancelled, ' || expired || ' expired'
from jobs
where id in (select distinct job_id from moves where becomes > SUBMITTED) and pending + submitted = 0 and finished_at is null;

-- A job without a success gets its verdict at once: there is nothing to probe.
update jobs
set finished_at = $1,
    verify_due_at = case when verification = 'pending' and succeeded > 0 then $1 end,
    verify_host = case
        when verification = 'pending' and succeeded > 0 then coalesce(host, (select min(host) from job_hosts where job_id = jobs.id))
    end,
    verification = case when verification = 'pending' and succeeded = 0 then 'unknown' else verification end
where id in (select distinct job_id from moves where becomes > SUBMITTED) and pending + submitted = 0 and finished_at is null;

delete from moves;
