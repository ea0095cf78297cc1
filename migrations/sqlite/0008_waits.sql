-- One row for each kind of wait, however often something waits.
create index failures_of_waits on failures (code) where code in ('reconciling', 'purge_first');
