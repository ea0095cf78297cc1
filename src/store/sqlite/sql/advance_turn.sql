-- So far has lane $1 got: whoever comes now stands behind them. Only those of $2 left in their turn; a rider may stand
-- anywhere.
update depths
set turn = max(depths.turn, c.rank)
from (
    select i.priority, max(i.rank) as rank
    from json_each($2) as p
    cross join items as i on i.id = p.value
    where i.cohort = 0
    group by i.priority
) as c
where depths.lane_id = $1 and depths.priority = c.priority;
