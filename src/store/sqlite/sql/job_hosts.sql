-- The distinct hosts of job $1's targets: what stands between the scheme and the path.
select distinct substr(rest, 1, instr(rest, '/') - 1) as host
from (
    select substr(i.target, instr(i.target, '://') + 3) as rest
    from jobs as j
    join items as i on i.id >= j.first_item
        and i.id < j.first_item + j.pending + j.submitted + j.succeeded + j.failed + j.cancelled + j.expired
    where j.id = $1
);
