-- Diagnoses that were made, for whoever comes back to one or asks for its bundle. Few and short-lived: the cleaner keeps the
-- newest of a month. `body` is JSON, read only as a whole.
create table diagnoses (
    id integer primary key,
    public_id blob not null unique check (length(public_id) = 16),
    tenant text not null,
    -- The job that was asked about, and its version at that moment: another version is another state of things.
    job_id blob check (job_id is null or length(job_id) = 16),
    job_version integer,
    body text not null,
    created_at integer not null,
    check ((job_id is null) = (job_version is null))
) strict;

create index diagnoses_of_job on diagnoses (job_id, id) where job_id is not null;
create index diagnoses_by_age on diagnoses (created_at);
