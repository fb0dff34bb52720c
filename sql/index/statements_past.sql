-- summary: the statements of a database that ran since a time, as history has them, the costliest first
-- kind: history
-- note: the first snapshot of an epoch adds nothing that is known, so what it counts is taken for it.
-- note: a text that was cut is null; more is how many statements there are in all.
-- param project text
-- param branch text
-- param database text
-- param since timestamp
-- param known integer[]
-- param most integer
-- column query_id integer
-- column query text null
-- column calls integer
-- column last_seen timestamp
-- column in_all integer
SELECT h.query_id,
       t.query,
       h.calls,
       h.last_seen,
       CAST(count(*) OVER () AS BIGINT) AS in_all
  FROM (SELECT s.queryid AS query_id,
               CAST(sum(coalesce(s.calls_delta, s.calls)) AS BIGINT) AS calls,
               sum(coalesce(s.total_exec_time_delta, s.total_exec_time)) AS ms,
               max(s.snapshot_timestamp) AS last_seen
          FROM pg_stat_history s
         WHERE s.project_id = :project
           AND s.branch_id = :branch
           AND s.database_name = :database
           AND s.snapshot_timestamp >= :since
           AND s.queryid NOT IN (:known)
           AND coalesce(s.calls_delta, s.calls) > 0
         GROUP BY s.queryid) h
  JOIN (SELECT q.queryid, max(CASE WHEN q.truncated THEN NULL ELSE q.query END) AS query
          FROM query_texts q
         WHERE q.project_id = :project
           AND q.branch_id = :branch
           AND q.database_name = :database
           AND q.statement_kind IN ('select', 'insert', 'update', 'delete', 'merge')
         GROUP BY q.queryid) t ON t.queryid = h.query_id
 ORDER BY h.ms DESC, h.query_id
 LIMIT :most
