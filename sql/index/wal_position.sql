-- summary: how much the server has written to its log so far
-- kind: read
-- server: 15-18
-- column bytes integer
SELECT (pg_current_wal_insert_lsn() - '0/0')::int8 AS bytes
