-- summary: how long statements of a database took, of a branch, before a time and since, by what snapshots have added
-- kind: history
-- note: rows and blocks are null where a snapshot does not know them: their sums would be of fewer calls.
-- note: the same text in another database, or inside of a function, is another statement.
-- param project text
-- param branch text
-- param database_id integer
-- param since timestamp
-- param until timestamp
-- param query_ids integer[]
-- column queryid integer
-- column calls integer
-- column ms number
-- column recent_calls integer
-- column recent_ms number
-- column row_count integer null
-- column block_count integer null
-- column recent_row_count integer null
-- column recent_block_count integer null
SELECT h.queryid,
       CAST(sum(CASE WHEN h.snapshot_timestamp < :until THEN h.calls_delta ELSE 0 END) AS BIGINT) AS calls,
       sum(CASE WHEN h.snapshot_timestamp < :until THEN h.total_exec_time_delta ELSE 0 END) AS ms,
       CAST(sum(CASE WHEN h.snapshot_timestamp >= :until THEN h.calls_delta ELSE 0 END) AS BIGINT) AS recent_calls,
       sum(CASE WHEN h.snapshot_timestamp >= :until THEN h.total_exec_time_delta ELSE 0 END) AS recent_ms,
       CAST(CASE WHEN count(*) = count(h.rows_delta)
                 THEN sum(CASE WHEN h.snapshot_timestamp < :until THEN h.rows_delta ELSE 0 END) END AS BIGINT) AS row_count,
       CAST(CASE WHEN count(*) = count(h.shared_blks_hit_delta + h.shared_blks_read_delta)
                 THEN sum(CASE WHEN h.snapshot_timestamp < :until
                               THEN h.shared_blks_hit_delta + h.shared_blks_read_delta ELSE 0 END) END AS BIGINT) AS block_count,
       CAST(CASE WHEN count(*) = count(h.rows_delta)
                 THEN sum(CASE WHEN h.snapshot_timestamp >= :until THEN h.rows_delta ELSE 0 END) END AS BIGINT) AS recent_row_count,
       CAST(CASE WHEN count(*) = count(h.shared_blks_hit_delta + h.shared_blks_read_delta)
                 THEN sum(CASE WHEN h.snapshot_timestamp >= :until
                               THEN h.shared_blks_hit_delta + h.shared_blks_read_delta ELSE 0 END) END AS BIGINT) AS recent_block_count
  FROM pg_stat_history h
 WHERE h.project_id = :project
   AND h.branch_id = :branch
   AND h.dbid = :database_id
   AND h.toplevel
   AND h.snapshot_timestamp >= :since
   AND h.queryid IN (:query_ids)
   AND h.calls_delta > 0
 GROUP BY h.queryid
