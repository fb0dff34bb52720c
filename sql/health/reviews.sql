-- summary: reviews of slow statements of a branch: each with its latest status, and how slow it was when that was last said
-- kind: history
-- param project text
-- param branch text
-- column review_id text
-- column queryid integer
-- column database text null
-- column status text
-- column mean_ms number null
SELECT q.review_id,
       q.queryid,
       max_by(q.database_name, q.updated_at) FILTER (WHERE q.database_name IS NOT NULL) AS database,
       max_by(q.status, q.updated_at) AS status,
       max_by(q.mean_exec_time, q.updated_at) FILTER (WHERE q.mean_exec_time IS NOT NULL) AS mean_ms
  FROM query_review_queue q
 WHERE q.project_id = :project
   AND q.branch_id = :branch
 GROUP BY q.review_id, q.queryid
