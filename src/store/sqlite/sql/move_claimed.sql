-- The items of $1 leave lane $3 with submission $2. They keep their cohort: given back, they must still travel apart.
insert into moves (item_id, job_id, lane_id, priority, was, becomes, cohort, submission_id)
select id, job_id, lane_id, priority, state, 3, cohort, $2
from items
where id in (select value from json_each($1)) and state = 0;

-- So far has the lane got: whoever comes now stands behind them. Only those of $4 left in their turn; a rider may stand
-- anywhere.
update depths
set turn = max(depths.turn, c.rank)
from (
    select i.priority, max(i.rank) as rank
    from json_each($4) as p
    cross join items as i on i.id = p.value
    where i.cohort = 0
    group by i.priority
) as c
where depths.lane_id = $3 and depths.priority = c.priority;
