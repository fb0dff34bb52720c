-- summary: pairs of tables that were to be compared, and those on which a comparison came to a verdict lately
-- kind: history
-- note: a comparison that failed, or could not be, is none, but its pair is one that was wanted, and so it is with one that waits for the next sync; the platform's word on a pipeline is none.
-- param since timestamp
-- param recent timestamp
-- column part number null
-- column whole number null
SELECT CAST(count(CASE WHEN p.last_at >= :recent THEN 1 END) AS DOUBLE) AS part, CAST(count(*) AS DOUBLE) AS whole
  FROM (SELECT v.source_table, v.target_table, max(CASE WHEN v.status NOT IN ('failed', 'not_compared', 'waiting') THEN v.validated_at END) AS last_at
          FROM sync_validation_history v
         WHERE v.validated_at >= :since
           AND coalesce(v.check_type, '') <> 'pipeline'
         GROUP BY v.project_id, v.branch_id, v.source_table, v.target_table) p
