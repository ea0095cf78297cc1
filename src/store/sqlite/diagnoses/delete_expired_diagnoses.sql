-- Deletes diagnoses from before $1, and those that are not among the newest $2: at most $3 for either reason.
delete from diagnoses
where id in (
    select id from (select id from diagnoses where created_at < $1 order by created_at limit $3)
    union
    select id from (
        select id
        from diagnoses
        where id <= (select max(id) from diagnoses) - $2
        order by id
        limit $3
    )
);
