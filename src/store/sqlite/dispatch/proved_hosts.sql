-- Which of the hosts $2 are proved for lane $1.
select h.host
from lanes as l
cross join json_each($2) as asked
cross join hosts as h on h.account = l.account and h.operation = l.operation and h.host = asked.value
where l.id = $1;
