-- The next event's number is above that of every job.
update sqlite_sequence
set seq = max(seq, coalesce((select max(id) from jobs), 0))
where name = 'events';
