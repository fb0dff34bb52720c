-- summary: which of these statements have their text in history
-- kind: history
-- param project text
-- param branch text
-- param server_version integer
-- param queries integer[]
-- column queryid integer
-- column dbid integer
SELECT DISTINCT t.queryid, t.dbid
  FROM query_texts t
 WHERE t.project_id = :project
   AND t.branch_id = :branch
   AND t.server_version = :server_version
   AND t.queryid IN (:queries)
