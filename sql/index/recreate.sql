-- summary: makes an index again as the server has described it
-- kind: change
-- server: 15-18
-- note: only CREATE INDEX, as pg_get_indexdef prints it.
-- param definition definition like CREATE INDEX i ON t (x)
:definition
