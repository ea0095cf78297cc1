-- Whether release_prefetches.sql failed any.
select exists (select 1 from moves where was = BLOCKED and becomes = FAILED);
