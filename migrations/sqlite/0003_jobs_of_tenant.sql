-- A tenant's newest jobs, without a walk over everyone's.
create index jobs_of_tenant on jobs (tenant_id, id);
