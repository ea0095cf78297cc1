-- What a change does to items, collected row by row and then applied to all of them at once (apply_moves.sql).
create temp table moves (
    item_id integer primary key,
    job_id integer not null,
    lane_id integer not null,
    priority integer not null,
    was integer not null,
    becomes integer not null,
    cohort integer not null default 0,
    due_at integer,
    submission_id integer,
    failure_id integer,
    wait_id integer,
    attempt integer not null default 0,
    ride integer
) strict;
