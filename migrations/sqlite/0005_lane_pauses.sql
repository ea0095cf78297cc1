-- Lanes that a person holds back: who, when and why, kept also after the lane goes on.
create table lane_pauses (
    id integer primary key,
    lane_id integer not null references lanes (id),
    paused_by text not null,
    paused_at integer not null,
    reason text,
    resumed_by text,
    resumed_at integer,
    check ((resumed_at is null) = (resumed_by is null))
) strict;

-- A lane is paused once. Small: only pauses that are in force.
create unique index lane_pauses_in_force on lane_pauses (lane_id) where resumed_at is null;
