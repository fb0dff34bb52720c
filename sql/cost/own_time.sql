-- summary: of the time that the statements of each branch took on its server, that of our own
-- kind: history
-- note: counted by the statements' own statistics, where ours are among them. Where the snapshots leave ours out, since our
-- note: role is nobody else's, it is what our runs waited for theirs meanwhile: more than the truth, as the way is in it.
-- note: Both are null where snapshots reach over less than a day.
-- param since timestamp
-- column own_ms number null
-- column all_ms number null
-- column is_counted boolean
-- column project_id text null
-- column branch_id text
-- column began_at timestamp
-- column ended_at timestamp
SELECT CASE WHEN b.ended_at < b.began_at + INTERVAL '1' DAY THEN NULL
            WHEN b.of_ours > 0 THEN b.own_ms
            ELSE coalesce(r.waited_ms, 0)
        END AS own_ms,
       CASE WHEN b.ended_at < b.began_at + INTERVAL '1' DAY THEN NULL
            WHEN b.of_ours > 0 THEN b.all_ms
            ELSE b.all_ms + coalesce(r.waited_ms, 0)
        END AS all_ms,
       b.of_ours > 0 AS is_counted,
       b.project_id,
       b.branch_id,
       b.began_at,
       b.ended_at
  FROM (SELECT s.project_id,
               s.branch_id,
               CAST(coalesce(sum(s.total_exec_time_delta), 0) AS DOUBLE) AS all_ms,
               CAST(coalesce(sum(CASE WHEN o.queryid IS NOT NULL THEN s.total_exec_time_delta END), 0) AS DOUBLE) AS own_ms,
               count(o.queryid) AS of_ours,
               min(s.snapshot_timestamp) AS began_at,
               max(s.snapshot_timestamp) AS ended_at
          FROM pg_stat_history s
          LEFT JOIN (SELECT DISTINCT t.project_id, t.branch_id, t.dbid, t.queryid
                       FROM query_texts t
                      WHERE t.statement_kind = 'ours') o
            ON o.project_id = s.project_id
           AND o.branch_id = s.branch_id
           AND o.dbid = s.dbid
           AND o.queryid = s.queryid
         WHERE s.snapshot_timestamp >= :since
           AND s.toplevel -- what runs inside a function is in its caller's time
           AND s.branch_id IS NOT NULL
         GROUP BY s.project_id, s.branch_id) b
  LEFT JOIN (SELECT t.project_id, t.branch_id, CAST(sum(t.statements_ms) AS DOUBLE) AS waited_ms
               FROM tool_runs t
               JOIN (SELECT h.project_id,
                            h.branch_id,
                            min(h.snapshot_timestamp) AS began_at,
                            max(h.snapshot_timestamp) AS ended_at
                       FROM pg_stat_history h
                      WHERE h.snapshot_timestamp >= :since
                      GROUP BY h.project_id, h.branch_id) w
                 ON w.project_id = t.project_id
                AND w.branch_id = t.branch_id
                AND t.started_at >= w.began_at
                AND t.started_at <= w.ended_at
              WHERE t.started_at >= :since
              GROUP BY t.project_id, t.branch_id) r
    ON r.project_id = b.project_id
   AND r.branch_id = b.branch_id
 ORDER BY b.project_id, b.branch_id
