-- summary: the server's time and place in its WAL, since when its oldest transactions are open that write and that have only read, and how many writers do not show that
-- kind: read
-- server: 15-18
-- note: everybody sees who has a transaction ID; since when it is open is for pg_read_all_stats, and of prepared ones for nobody.
-- column now timestamp
-- column wal_position text null
-- column writes_since timestamp null
-- column open_since timestamp null
-- column unseen integer
SELECT clock_timestamp() AS now,
       CAST(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END AS text) AS wal_position,
       min(a.xact_start) FILTER (WHERE a.backend_xid IS NOT NULL) AS writes_since,
       min(a.xact_start) FILTER (WHERE a.backend_xid IS NULL) AS open_since,
       count(*) FILTER (WHERE a.backend_xid IS NOT NULL AND a.xact_start IS NULL)
         + (SELECT count(*) FROM pg_prepared_xacts x WHERE x.database = current_database()) AS unseen
  FROM pg_stat_activity a
 WHERE a.datname = current_database()
   AND a.pid <> pg_backend_pid()
   AND a.backend_type IS DISTINCT FROM 'autovacuum worker'
