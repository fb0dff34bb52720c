-- summary: how much the server has written to its log so far, and this database to temporary files, in bytes
-- kind: read
-- server: 15-18
-- column bytes integer
-- column temp integer
-- column size integer
SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::int8 AS bytes,
       pg_stat_get_db_temp_bytes(d.oid) AS temp,
       pg_database_size(d.oid) AS size
  FROM pg_database d
 WHERE d.datname = current_database()
