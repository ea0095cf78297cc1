-- Whether urgent items of isolation group $2 are due in lane $1.
select exists (select 1 from items where state = DUE and lane_id = $1 and cohort = $2 and priority = URGENT);
