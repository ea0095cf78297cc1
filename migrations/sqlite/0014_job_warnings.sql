-- What was told of a job when it was accepted: a list of [code, detail, pointer]. Only of jobs that had anything told of them,
-- and apart from jobs, whose rows are written again with every count.
create table job_warnings (
    job_id integer primary key references jobs (id),
    warnings text not null
) strict;
