-- The next ids of a job and of an item. A job's id is also the number of its acceptance among the events.
select
    max(
        coalesce((select max(id) from jobs), 0),
        coalesce((select seq from sqlite_sequence where name = 'events'), 0)
    ) + 1 as job,
    coalesce((select max(id) from items), 0) + 1 as item;
