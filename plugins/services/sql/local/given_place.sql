-- summary: a database's number, and where the server's log stands
-- kind: read
-- server: 15-18
-- param name text
-- column oid integer
-- column lsn text
SELECT d.oid::bigint AS oid, pg_catalog.pg_current_wal_insert_lsn()::text AS lsn
  FROM pg_catalog.pg_database d WHERE d.datname = :name
