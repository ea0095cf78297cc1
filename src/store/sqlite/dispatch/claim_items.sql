-- The items of $1 go into submission $2. They keep their isolation group, which still holds if they are released.
insert into moves (item_id, job_id, lane_id, priority, was, becomes, cohort, submission_id)
select id, job_id, lane_id, priority, state, SUBMITTED, cohort, $2
from items
where id in (select value from json_each($1)) and state = DUE;
