-- The hosts of submission $1 are not proved any more: the provider rejected a call with them alone.
delete from hosts
where (account, operation, host) in (
    select l.account, l.operation, substr(rest, 1, instr(rest, '/') - 1)
    from (
        select i.lane_id, substr(i.target, instr(i.target, '://') + 3) as rest
        from items as i
        where i.submission_id = $1 and i.state = SUBMITTED and coalesce(i.ride, 0) = 0
    ) as sent
    join lanes as l on l.id = sent.lane_id
);
