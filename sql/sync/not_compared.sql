-- summary: since when one check of a pair has not been made, each time that it was tried
-- kind: history
-- param project text
-- param branch text
-- param check_type text
-- param source text
-- param target text
-- param since timestamp
-- column began_at timestamp null
SELECT min(v.validated_at) AS began_at
  FROM sync_validation_history v
 WHERE v.project_id = :project
   AND v.branch_id = :branch
   AND v.check_type = :check_type
   AND v.source_table = :source
   AND v.target_table = :target
   AND v.status = 'not_compared'
   AND v.validated_at >= :since
   AND v.validated_at > (SELECT coalesce(max(g.validated_at), :since)
                           FROM sync_validation_history g
                          WHERE g.project_id = :project
                            AND g.branch_id = :branch
                            AND g.check_type = :check_type
                            AND g.source_table = :source
                            AND g.target_table = :target
                            AND g.status <> 'not_compared'
                            AND g.validated_at >= :since)
