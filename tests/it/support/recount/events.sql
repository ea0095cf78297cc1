-- Numbers that no event has, between the first and the last one that was ever given.
select 'events ' || json_array(count(*), min(seq), max(seq)) || ', last number given ' || coalesce((select seq from sqlite_sequence where name = 'events'), 0)
from events
having count(*) > 0
    and (count(*) <> max(seq) or min(seq) <> 1 or max(seq) is not (select seq from sqlite_sequence where name = 'events'))
union all
select 'event ' || seq || ' is about job ' || job_id || ', which does not exist'
from events
where job_id not in (select id from jobs);
