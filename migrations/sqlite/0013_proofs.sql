-- What a verdict rests on: what the origin and the edges answered. A list of lists, in the order of store/sqlite/proof.rs.
alter table verdicts add column proof text;
