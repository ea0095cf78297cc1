-- The next numbers of a job and of an item. A job's is the number of its acceptance among the events, too.
select
    max(
        coalesce((select max(id) from jobs), 0),
        coalesce((select seq from sqlite_sequence where name = 'events'), 0)
    ) + 1 as job,
    coalesce((select max(id) from items), 0) + 1 as item;
