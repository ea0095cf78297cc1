-- Calls without an answer, for each claim to look past: few, and asked for often.
create index submissions_ambiguous on submissions (lane_id) where state = 'ambiguous';
