-- Records how far lane $1 has got: new items queue up behind that. $2: [[priority, turn], ...].
update depths
set turn = max(depths.turn, got.value ->> 1)
from json_each($2) as got
where depths.lane_id = $1 and depths.priority = got.value ->> 0;
