-- summary: recommendations on indexes that somebody has decided on, and those that were taken
-- kind: history
-- param since timestamp
-- column part number null
-- column whole number null
SELECT CAST(count(CASE WHEN r.status IN ('approved', 'executed', 'kept') THEN 1 END) AS DOUBLE) AS part,
       CAST(count(*) AS DOUBLE) AS whole
  FROM (SELECT i.recommendation_id, max_by(i.status, i.updated_at) AS status
          FROM index_recommendations i
         WHERE i.updated_at >= :since
         GROUP BY i.recommendation_id) r
 WHERE r.status IN ('approved', 'executed', 'kept', 'failed', 'rejected', 'reverted')
