-- The area that a job asked for. Null: it asked for none, or was kept before this column was. Its lanes may have one all the same,
-- from where its domains were served then.
alter table jobs add column area text check (area in ('mainland', 'overseas', 'global'));
