-- summary: who is connected, and what they do
-- kind: read
-- server: 15-18
-- column pid integer
-- column state text null
-- column wait_event_type text null
-- column backend_start timestamp null
-- column query text null
SELECT a.pid::bigint AS pid, a.state, a.wait_event_type, a.backend_start, a.query FROM pg_stat_activity a
