-- The id of a lane, which is created if it is new. The update changes nothing, but makes `returning` work for an old row
-- too.
insert into lanes (account, operation, kind, area, mode)
values ($1, $2, $3, $4, $5)
on conflict (account, operation, kind, area, mode) do update set account = excluded.account
returning id;
