-- Jobs and events share one sequence, since a job's acceptance is told by its row: numbers that neither has, or both have, between the
-- first and the last one that was ever given.
with numbers (number) as (select id from jobs union all select seq from events)
select 'numbers ' || json_array(count(*), count(distinct number), min(number), max(number))
    || ', last number of an event ' || coalesce((select seq from sqlite_sequence where name = 'events'), 0)
from numbers
having count(*) > 0
    and (
        count(*) <> max(number) or count(distinct number) <> count(*) or min(number) <> 1
        or max(number) < (select seq from sqlite_sequence where name = 'events')
    )
union all
select 'event ' || seq || ' is about job ' || job_id || ', which does not exist'
from events
where job_id not in (select id from jobs)
union all
select 'event ' || seq || ' is before its job ' || job_id || ' was accepted'
from events
where seq <= job_id;
