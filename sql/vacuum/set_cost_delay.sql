-- summary: how long this session's vacuum rests each time
-- kind: change
-- server: 15-18
-- note: as text with its unit, as the server shows it.
-- param delay text
SET vacuum_cost_delay TO :delay
