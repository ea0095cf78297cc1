-- $1: [[item, verification, reason, now, proof], ...] of job $2. The latest verdict of an item counts, until the job has
-- its own.
insert into verdicts (item_id, verification, reason, at, proof)
select value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4
from json_each($1)
where exists (select 1 from jobs where id = $2 and verification = 'pending')
on conflict (item_id) do update set verification = excluded.verification, reason = excluded.reason, at = excluded.at,
    proof = excluded.proof;
