-- summary: statements that ran on two branches, side by side: how often and how long on average
-- kind: history
-- note: a branch keeps its source's object identifiers, so that the same statement has the same id on both; 0 stands for all.
-- param project text
-- param branch text
-- param other text
-- param query_id integer
-- param min_calls integer
-- param since timestamp
-- column database_name text null
-- column queryid integer
-- column query text null
-- column here_calls integer
-- column there_calls integer
-- column here_ms number
-- column there_ms number
-- column here_blocks number null
-- column there_blocks number null
SELECT h.database_name,
       h.queryid,
       max(t.query) AS query,
       CAST(sum(CASE WHEN h.branch_id = :branch THEN h.calls_delta ELSE 0 END) AS BIGINT) AS here_calls,
       CAST(sum(CASE WHEN h.branch_id = :other THEN h.calls_delta ELSE 0 END) AS BIGINT) AS there_calls,
       sum(CASE WHEN h.branch_id = :branch THEN h.total_exec_time_delta END)
           / sum(CASE WHEN h.branch_id = :branch THEN h.calls_delta END) AS here_ms,
       sum(CASE WHEN h.branch_id = :other THEN h.total_exec_time_delta END)
           / sum(CASE WHEN h.branch_id = :other THEN h.calls_delta END) AS there_ms,
       sum(CASE WHEN h.branch_id = :branch THEN h.shared_blks_hit_delta + h.shared_blks_read_delta END)
           / sum(CASE WHEN h.branch_id = :branch THEN h.calls_delta END) AS here_blocks,
       sum(CASE WHEN h.branch_id = :other THEN h.shared_blks_hit_delta + h.shared_blks_read_delta END)
           / sum(CASE WHEN h.branch_id = :other THEN h.calls_delta END) AS there_blocks
  FROM pg_stat_history h
  LEFT JOIN (SELECT q.database_name, q.queryid, max(q.query) AS query
               FROM query_texts q
              WHERE q.project_id = :project
              GROUP BY q.database_name, q.queryid) t ON t.queryid = h.queryid AND t.database_name = h.database_name
 WHERE h.project_id = :project
   AND h.branch_id IN (:branch, :other)
   AND h.snapshot_timestamp >= :since
   AND h.calls_delta > 0
   AND (:query_id = 0 OR h.queryid = :query_id)
 GROUP BY h.database_name, h.queryid
HAVING sum(CASE WHEN h.branch_id = :branch THEN h.calls_delta ELSE 0 END) >= :min_calls
   AND sum(CASE WHEN h.branch_id = :other THEN h.calls_delta ELSE 0 END) >= :min_calls
 ORDER BY h.database_name NULLS FIRST, h.queryid
