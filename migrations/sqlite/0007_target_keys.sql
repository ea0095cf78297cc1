-- Finding equal targets: those that wait in the same lane and can share a place (law 5), and the purges that a prefetch
-- waits for (law 6). The key is a hash in which targets of one directory stand together, so that a job's rows go to a few
-- pages of the index and not to as many as it has targets. Rows of before have none: they end without it. What has ended has
-- none any more; the index does not ask for the state, so that a claim, which changes it, leaves the index as it is.
alter table items add column target_key integer;

create index items_open_targets on items (target_key) where target_key is not null;
