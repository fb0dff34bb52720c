-- summary: how far the server has written its log, in bytes
-- kind: read
-- server: 15-18
-- note: the server's, and so what everybody writes.
-- column bytes integer
SELECT pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_insert_lsn(), '0/0')::pg_catalog.int8 AS bytes
