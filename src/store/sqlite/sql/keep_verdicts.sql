-- $1: [[item, verification, reason, now], ...]; the latest look counts.
insert into verdicts (item_id, verification, reason, at)
select value ->> 0, value ->> 1, value ->> 2, value ->> 3
from json_each($1)
where true
on conflict (item_id) do update set verification = excluded.verification, reason = excluded.reason, at = excluded.at;
