-- Applies the rows of `moves` to the items, to the counters of their jobs and lanes (finish_jobs.sql follows).
-- $1: now. The plus keeps SQLite from walking over all items and looking for the move of each: it must walk the moves.
update items
set state = m.becomes,
    cohort = m.cohort,
    due_at = m.due_at,
    submission_id = coalesce(m.submission_id, items.submission_id),
    failure_id = m.failure_id,
    wait_id = m.wait_id,
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
