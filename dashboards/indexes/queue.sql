-- query: indexes.queue
-- title: To be reviewed
-- chart: table
-- empty: Nothing waits.
-- column: confidence cell name Confidence
-- column: recommendation_type cell name Kind
-- column: place cell name Branch
-- column: table_name cell name Table
-- column: index_name cell name Index
-- column: estimated_impact cell text Gain
-- column: ddl_statement cell code Statement
-- column: created_at cell time Found
-- column: recommendation_id cell hidden Recommendation
WITH steps AS (
    SELECT i.recommendation_id, i.confidence, i.recommendation_type, i.project_id, i.branch_id, i.database_name, i.schema_name,
           i.table_name, i.index_name, i.estimated_impact, i.ddl_statement, i.created_at, i.status,
           row_number() OVER (PARTITION BY i.recommendation_id ORDER BY i.updated_at DESC, i.status) AS step
      FROM index_recommendations i
)
SELECT s.confidence, s.recommendation_type, s.project_id || '/' || s.branch_id || coalesce('/' || s.database_name, '') AS place,
       s.schema_name || '.' || s.table_name AS table_name, s.index_name, s.estimated_impact, s.ddl_statement, s.created_at,
       s.recommendation_id
  FROM steps s
 WHERE s.step = 1 AND s.status = 'pending_review'
 ORDER BY CASE s.confidence WHEN 'high' THEN 0 WHEN 'medium' THEN 1 ELSE 2 END, s.created_at, s.recommendation_id
 LIMIT 50
