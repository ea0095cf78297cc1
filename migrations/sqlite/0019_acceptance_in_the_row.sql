-- A job's acceptance is an event that its row tells: its number is the job's, and jobs and events share one sequence. It was a
-- row of `events` as well, two trees and a counter to write for each commit of small jobs. Jobs of before keep their numbers, which are
-- below those of all that happened to them.
delete from events where kind = 'accepted';

insert into sqlite_sequence (name, seq)
select 'events', 0
where not exists (select 1 from sqlite_sequence where name = 'events');

update sqlite_sequence set seq = max(seq, coalesce((select max(id) from jobs), 0)) where name = 'events';
