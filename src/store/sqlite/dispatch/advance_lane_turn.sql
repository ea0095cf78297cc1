-- So far has lane $1 got: whoever comes now stands behind them. $2: [[priority, turn], ...].
update depths
set turn = max(depths.turn, got.value ->> 1)
from json_each($2) as got
where depths.lane_id = $1 and depths.priority = got.value ->> 0;
