-- summary: what statements of a database took on average before something was done and since, with their texts
-- kind: history
-- note: before is what was counted until a time; an hour's row stands for its end as well, so its latest start is told
-- note: beside it. Since begins behind the first row after the other time, which may still reach back across it.
-- param project text
-- param branch text
-- param database text
-- param counted_from timestamp
-- param until timestamp
-- param until_hour timestamp
-- param since timestamp
-- param min_calls integer
-- column query_id integer
-- column query text
-- column calls_before integer
-- column calls_since integer
-- column ms_before number
-- column ms_since number
-- column blocks_before number null
-- column blocks_since number null
SELECT h.queryid AS query_id,
       max(t.query) AS query,
       CAST(sum(CASE WHEN h.is_before THEN h.calls ELSE 0 END) AS BIGINT) AS calls_before,
       CAST(sum(CASE WHEN h.is_since THEN h.calls ELSE 0 END) AS BIGINT) AS calls_since,
       sum(CASE WHEN h.is_before THEN h.ms ELSE 0 END) AS ms_before,
       sum(CASE WHEN h.is_since THEN h.ms ELSE 0 END) AS ms_since,
       sum(CASE WHEN h.is_before THEN h.blocks END) AS blocks_before,
       sum(CASE WHEN h.is_since THEN h.blocks END) AS blocks_since
  FROM (SELECT s.queryid,
               s.calls_delta AS calls,
               s.total_exec_time_delta AS ms,
               s.shared_blks_hit_delta + s.shared_blks_read_delta AS blocks,
               CASE WHEN s.granularity = 'hour' THEN s.snapshot_timestamp <= :until_hour
                    ELSE s.snapshot_timestamp <= :until END AS is_before,
               s.snapshot_timestamp > f.first_at AS is_since
          FROM pg_stat_history s
         CROSS JOIN (SELECT min(a.snapshot_timestamp) AS first_at
                       FROM pg_stat_history a
                      WHERE a.project_id = :project
                        AND a.branch_id = :branch
                        AND a.snapshot_timestamp >= :since) f
         WHERE s.project_id = :project
           AND s.branch_id = :branch
           AND s.database_name = :database
           AND s.snapshot_timestamp >= :counted_from
           AND s.calls_delta > 0) h
  JOIN (SELECT q.queryid, max(q.query) AS query
          FROM query_texts q
         WHERE q.project_id = :project
           AND q.branch_id = :branch
           AND q.database_name = :database
           AND NOT q.truncated
           AND q.statement_kind <> 'ours'
         GROUP BY q.queryid) t ON t.queryid = h.queryid
 GROUP BY h.queryid
HAVING sum(CASE WHEN h.is_before THEN h.calls ELSE 0 END) >= :min_calls
 ORDER BY ms_since DESC, query_id
 LIMIT 5000
