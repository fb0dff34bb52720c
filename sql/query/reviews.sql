-- summary: reviews of slow statements of a database of a branch as they stand, each with its latest status
-- kind: history
-- param project text
-- param branch text
-- param database_id integer
-- column review_id text
-- column queryid integer
-- column status text
SELECT q.review_id, q.queryid, max_by(q.status, q.updated_at) AS status
  FROM query_review_queue q
 WHERE q.project_id = :project
   AND q.branch_id = :branch
   AND (q.dbid IS NULL OR q.dbid = :database_id)
 GROUP BY q.review_id, q.queryid
