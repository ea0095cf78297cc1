-- The provider accepted submission $1 at $2: its hosts are proved. A URL that is attached to a directory has the
-- directory's host.
insert or ignore into hosts (account, operation, host, proved_at)
select distinct l.account, l.operation, substr(rest, 1, instr(rest, '/') - 1), $2
from (
    select i.lane_id, substr(i.target, instr(i.target, '://') + 3) as rest
    from items as i
    where i.submission_id = $1 and i.state = SUBMITTED and coalesce(i.ride, 0) = 0
) as sent
join lanes as l on l.id = sent.lane_id;
