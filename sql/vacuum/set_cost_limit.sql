-- summary: how much work this session's vacuum does between two rests
-- kind: change
-- server: 15-18
-- param limit text
SET vacuum_cost_limit TO :limit
