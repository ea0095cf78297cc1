-- The items of $1, [[item, directory's item], ...], are attached to the directories of submission $2. They keep their
-- isolation group for the case that they are released.
insert into moves (item_id, job_id, lane_id, priority, was, becomes, cohort, submission_id, failure_id, ride)
select i.id, i.job_id, i.lane_id, i.priority, i.state, SUBMITTED, i.cohort, $2, i.failure_id, r.value ->> 1
from json_each($1) as r
cross join items as i on i.id = r.value ->> 0
where i.state = DUE;

-- Each of their jobs gets an event that names the directory, and says whether it was promoted (tenant $4). $3 now. An item is
-- attached only once, so these events do not repeat.
insert into events (job_id, at, kind, items, submission_id, message)
select m.job_id, $3, 'claimed', count(*), $2, 
    case when t.name = $4 then 'promoted: enough URL purges wait below it to purge the directory ' || carrier.target || ' instead'
        else 'covered by the directory purge of ' || carrier.target end
        || ', which leaves with submission ' || $2
from moves as m
cross join items as carrier on carrier.id = m.ride
cross join jobs as j on j.id = carrier.job_id
cross join tenants as t on t.id = j.tenant_id
group by m.job_id, carrier.target;
