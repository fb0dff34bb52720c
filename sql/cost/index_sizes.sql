-- summary: the indexes that somebody is asked about or has taken, and how large their branch's databases are
-- kind: history
-- note: of a recommendation its latest word counts, and the figures of the row that it was found with.
-- note: what was rejected, reverted or dropped is not there to cost anything.
-- param since timestamp
-- column project_id text null
-- column branch_id text null
-- column schema_name text
-- column table_name text
-- column index_name text null
-- column recommendation_type text
-- column status text
-- column impact json null
-- column branch_bytes number null
SELECT r.project_id, r.branch_id, r.schema_name, r.table_name, r.index_name, r.recommendation_type, r.status, r.impact,
       s.bytes AS branch_bytes
  FROM (SELECT i.project_id, i.branch_id, i.recommendation_id,
               max_by(i.schema_name, i.updated_at) AS schema_name,
               max_by(i.table_name, i.updated_at) AS table_name,
               max_by(i.index_name, i.updated_at) AS index_name,
               max_by(i.recommendation_type, i.updated_at) AS recommendation_type,
               max_by(i.status, i.updated_at) AS status,
               max_by(i.impact, CASE WHEN i.impact IS NOT NULL THEN i.updated_at END) AS impact
          FROM index_recommendations i
         WHERE i.updated_at >= :since
         GROUP BY i.project_id, i.branch_id, i.recommendation_id) r
  LEFT JOIN (SELECT m.project_id, m.branch_id, CAST(sum(m.metric_value) AS DOUBLE) AS bytes
               FROM (SELECT k.project_id, k.branch_id, k.metric_value,
                            rank() OVER (PARTITION BY k.project_id, k.branch_id
                                             ORDER BY k.snapshot_timestamp DESC) AS place
                       FROM lakebase_metrics k
                      WHERE k.metric_name = 'database_size_bytes'
                        AND k.snapshot_timestamp >= :since) m
              WHERE m.place = 1
              GROUP BY m.project_id, m.branch_id) s
    ON s.project_id = r.project_id AND s.branch_id = r.branch_id
 WHERE r.status IN ('pending_review', 'approved')
    OR (r.status IN ('executed', 'kept') AND r.recommendation_type LIKE 'create%')
 ORDER BY r.project_id, r.branch_id, r.schema_name, r.table_name, r.index_name, r.recommendation_type
