-- The next moment at which an item becomes due or passes its deadline.
select min(moment)
from (
    select min(due_at) as moment from items where state = DELAYED
    union all
    select min(deadline) from jobs where deadline is not null and finished_at is null and pending > 0
);
