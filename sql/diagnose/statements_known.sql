-- summary: since when snapshots have some statements of a database, and any of the others
-- kind: history
-- note: queryid is null for all others together. What was on an earlier branch of the same name is not of this one.
-- param project text
-- param branch text
-- param database_id integer
-- param query_ids integer[]
-- param since timestamp
-- param until timestamp
-- column queryid integer null
-- column first_at timestamp
SELECT CASE WHEN h.queryid IN (:query_ids) THEN h.queryid END AS queryid,
       min(h.snapshot_timestamp) AS first_at
  FROM pg_stat_history h
 WHERE h.project_id = :project
   AND h.branch_id = :branch
   AND h.dbid = :database_id
   AND h.snapshot_timestamp >= :since
   AND h.snapshot_timestamp <= :until
   AND h.snapshot_timestamp >= coalesce((SELECT max(e.event_timestamp)
                                           FROM branch_lifecycle e
                                          WHERE e.project_id = :project
                                            AND e.branch_id = :branch
                                            AND e.event_type = 'created'), :since)
 GROUP BY 1
