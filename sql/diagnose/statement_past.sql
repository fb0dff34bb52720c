-- summary: what calls of some statements cost in a time, by what snapshots have added
-- kind: history
-- note: what was on an earlier branch of the same name is not of this one.
-- param project text
-- param branch text
-- param database_id integer
-- param query_ids integer[]
-- param since timestamp
-- param until timestamp
-- column queryid integer
-- column user_name text null
-- column calls number
-- column ms number
-- column row_count number
-- column blocks number
-- column first_at timestamp
SELECT h.queryid,
       h.user_name,
       CAST(sum(h.calls_delta) AS DOUBLE) AS calls,
       CAST(sum(h.total_exec_time_delta) AS DOUBLE) AS ms,
       CAST(sum(coalesce(h.rows_delta, 0)) AS DOUBLE) AS row_count,
       CAST(sum(coalesce(h.shared_blks_hit_delta, 0) + coalesce(h.shared_blks_read_delta, 0)) AS DOUBLE) AS blocks,
       min(h.snapshot_timestamp) AS first_at
  FROM pg_stat_history h
 WHERE h.project_id = :project
   AND h.branch_id = :branch
   AND h.dbid = :database_id
   AND h.queryid IN (:query_ids)
   AND h.calls_delta > 0
   AND h.snapshot_timestamp >= :since
   AND h.snapshot_timestamp <= :until
   AND h.snapshot_timestamp >= coalesce((SELECT max(e.event_timestamp)
                                           FROM branch_lifecycle e
                                          WHERE e.project_id = :project
                                            AND e.branch_id = :branch
                                            AND e.event_type = 'created'), :since)
 GROUP BY h.queryid, h.user_name
