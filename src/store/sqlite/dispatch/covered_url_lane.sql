-- The lane whose URL purges may be attached to the directories of lane $1, unless a person paused it: the same account and
-- area. A directory that is only revalidated covers no URLs.
select urls.id
from lanes as ours
join lanes as urls on urls.account = ours.account and urls.area = ours.area
where ours.id = $1 and ours.operation = 'purge' and ours.kind = 'directory' and ours.mode = 'delete'
    and urls.operation = 'purge' and urls.kind = 'url' and urls.mode = ''
    and not exists (select 1 from lane_pauses where lane_id = urls.id and resumed_at is null);
