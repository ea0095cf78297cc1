-- Raises the next event's number above that of every job.
update sqlite_sequence
set seq = max(seq, coalesce((select max(id) from jobs), 0))
where name = 'events';
