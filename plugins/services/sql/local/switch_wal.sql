-- summary: ends the log's current file, so that it can be kept
-- kind: change
-- server: 15-18
SELECT pg_catalog.pg_switch_wal()
