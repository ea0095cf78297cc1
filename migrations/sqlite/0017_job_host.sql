-- The host of a job that touches only one, as nearly all do. Null: its hosts are in job_hosts, which is a tree more to write for
-- each commit of small jobs. Jobs of before stay there.
alter table jobs add column host text;
