-- summary: reads changed settings of the server
-- kind: change
-- server: 15-18
SELECT pg_reload_conf()
