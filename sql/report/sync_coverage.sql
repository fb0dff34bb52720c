-- summary: pairs of tables that were ever compared, and those that have been lately
-- kind: history
-- param since timestamp
-- param recent timestamp
-- column part number null
-- column whole number null
SELECT CAST(count(CASE WHEN p.last_at >= :recent THEN 1 END) AS DOUBLE) AS part, CAST(count(*) AS DOUBLE) AS whole
  FROM (SELECT v.source_table, v.target_table, max(v.validated_at) AS last_at
          FROM sync_validation_history v
         WHERE v.validated_at >= :since
           AND v.status <> 'failed'
         GROUP BY v.project_id, v.branch_id, v.source_table, v.target_table) p
