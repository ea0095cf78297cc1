-- Riding on a directory: a URL purge may travel with the purge of a directory above it (law 5). `ride` is the directory's item
-- while it does and after it ended so; 0 once it came back from a ride: from then on it goes by itself. Null: it never rode.
-- While it rides, its submission is one of the directory's lane.
alter table items add column ride integer;
