-- summary: the newest plan of each of some statements that reviews have kept
-- kind: history
-- note: what was on an earlier branch of the same name is not of this one.
-- param project text
-- param branch text
-- param query_ids integer[]
-- param since timestamp
-- column queryid integer
-- column planned_at timestamp
-- column plan json
SELECT q.queryid, max(q.queued_at) AS planned_at, max_by(q.plan, q.queued_at) AS plan
  FROM query_review_queue q
 WHERE q.project_id = :project
   AND q.branch_id = :branch
   AND q.queryid IN (:query_ids)
   AND q.plan IS NOT NULL
   AND q.queued_at >= :since
   AND q.queued_at >= coalesce((SELECT max(e.event_timestamp)
                                  FROM branch_lifecycle e
                                 WHERE e.project_id = :project
                                   AND e.branch_id = :branch
                                   AND e.event_type = 'created'), :since)
 GROUP BY q.queryid
