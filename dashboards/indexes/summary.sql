-- query: indexes.summary
-- set: Indexes
-- title: Recommendations about indexes
-- chart: table
-- window: 30 days
-- empty: None yet: `lbops run generate_index_recommendation` makes them.
-- column: recommendation_type cell name Kind
-- column: confidence cell name Confidence
-- column: total cell count All
-- column: pending cell count Waiting
-- column: approved cell count Approved
-- column: executed cell count Done
-- column: rejected cell count Rejected
-- column: other cell count Past
WITH upto AS (SELECT max(r.started_at) AS moment FROM tool_runs r),
steps AS (
    SELECT i.recommendation_type, i.confidence, i.status,
           row_number() OVER (PARTITION BY i.recommendation_id ORDER BY i.updated_at DESC, i.status) AS step
      FROM index_recommendations i
      JOIN upto u ON i.created_at > u.moment - INTERVAL 30 DAYS
)
SELECT s.recommendation_type, s.confidence, count(*) AS total,
       count(*) FILTER (WHERE s.status = 'pending_review') AS pending,
       count(*) FILTER (WHERE s.status = 'approved') AS approved,
       count(*) FILTER (WHERE s.status IN ('executed', 'kept')) AS executed,
       count(*) FILTER (WHERE s.status = 'rejected') AS rejected,
       count(*) FILTER (WHERE s.status IN ('failed', 'obsolete', 'reverted')) AS other
  FROM steps s
 WHERE s.step = 1
 GROUP BY s.recommendation_type, s.confidence
 ORDER BY s.recommendation_type, CASE s.confidence WHEN 'high' THEN 0 WHEN 'medium' THEN 1 ELSE 2 END
