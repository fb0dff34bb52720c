-- summary: replication slots with what each keeps: WAL, and row versions
-- kind: read
-- server: 15-18
-- column name text
-- column slot_type text
-- column active boolean
-- column temporary boolean
-- column kept integer
-- column wal_status text null
-- column position text null
-- column horizon_age integer null
-- column is_here boolean
SELECT s.slot_name::text AS name,
       s.slot_type,
       s.active,
       s.temporary,
       coalesce(pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END,
                                s.restart_lsn), 0)::int8 AS kept,
       s.wal_status,
       coalesce(s.confirmed_flush_lsn, s.restart_lsn)::text AS position,
       greatest(age(s.xmin), age(s.catalog_xmin))::int8 AS horizon_age,
       s.database IS NULL OR s.database = current_database() AS is_here
  FROM pg_replication_slots s
 ORDER BY 5 DESC, s.slot_name
 LIMIT 50
