-- summary: what all databases of the server have done since their counters began
-- kind: read
-- server: 15-18
-- note: a reset of one database, or a restart, begins a new epoch of the sums.
-- column metric text
-- column value numeric null
-- column object text null
-- column epoch text null
-- column detail json null
WITH d AS (
  SELECT sum(s.blks_hit)::numeric AS blks_hit,
         sum(s.blks_read)::numeric AS blks_read,
         sum(s.xact_commit)::numeric AS xact_commit,
         sum(s.xact_rollback)::numeric AS xact_rollback,
         sum(s.tup_returned)::numeric AS tup_returned,
         sum(s.tup_fetched)::numeric AS tup_fetched,
         sum(s.tup_inserted)::numeric AS tup_inserted,
         sum(s.tup_updated)::numeric AS tup_updated,
         sum(s.tup_deleted)::numeric AS tup_deleted,
         sum(s.conflicts)::numeric AS conflicts,
         sum(s.temp_files)::numeric AS temp_files,
         sum(s.temp_bytes)::numeric AS temp_bytes,
         sum(s.deadlocks)::numeric AS deadlocks,
         sum(s.checksum_failures)::numeric AS checksum_failures,
         sum(s.blk_read_time)::numeric AS blk_read_time,
         sum(s.blk_write_time)::numeric AS blk_write_time,
         sum(s.session_time)::numeric AS session_time,
         sum(s.active_time)::numeric AS active_time,
         sum(s.idle_in_transaction_time)::numeric AS idle_in_transaction_time,
         sum(s.sessions)::numeric AS sessions,
         sum(s.sessions_abandoned)::numeric AS sessions_abandoned,
         sum(s.sessions_fatal)::numeric AS sessions_fatal,
         sum(s.sessions_killed)::numeric AS sessions_killed,
         max(s.stats_reset) AS stats_reset
    FROM pg_stat_database s
)
SELECT v.metric,
       v.value::numeric AS value,
       NULL::text AS object,
       concat_ws(' ', pg_postmaster_start_time(), d.stats_reset) AS epoch,
       NULL::jsonb AS detail
  FROM d
 CROSS JOIN LATERAL (
  VALUES ('blocks_hit', d.blks_hit),
         ('blocks_read', d.blks_read),
         ('transactions_committed', d.xact_commit),
         ('transactions_rolled_back', d.xact_rollback),
         ('tuples_returned', d.tup_returned),
         ('tuples_fetched', d.tup_fetched),
         ('tuples_inserted', d.tup_inserted),
         ('tuples_updated', d.tup_updated),
         ('tuples_deleted', d.tup_deleted),
         ('conflicts', d.conflicts),
         ('temp_files', d.temp_files),
         ('temp_bytes', d.temp_bytes),
         ('deadlocks', d.deadlocks),
         ('checksum_failures', d.checksum_failures),
         ('block_read_time', d.blk_read_time),
         ('block_write_time', d.blk_write_time),
         ('session_time', d.session_time),
         ('active_time', d.active_time),
         ('idle_in_transaction_time', d.idle_in_transaction_time),
         ('sessions', d.sessions),
         ('sessions_abandoned', d.sessions_abandoned),
         ('sessions_fatal', d.sessions_fatal),
         ('sessions_killed', d.sessions_killed)
 ) AS v (metric, value)
