-- query: sync.current
-- title: Tables and their copies
-- chart: table
-- empty: No copy was compared yet: `lbops run run_full_sync_validation` does it where there are copies.
-- column: status cell status Status
-- column: source_table cell name Table
-- column: place cell name Branch
-- column: check_type cell text Check
-- column: source_count cell count Rows
-- column: target_count cell count In the copy
-- column: count_drift cell count Drift
-- column: lag_minutes cell minutes Behind
-- column: checksum_match cell bool Same content
-- column: validated_at cell time Compared
WITH latest AS (
    SELECT s.status, s.source_table, s.target_table, s.project_id, s.branch_id, s.check_type, s.source_count,
           s.target_count, s.count_drift, s.freshness_lag_seconds, s.checksum_match, s.validated_at,
           row_number() OVER (PARTITION BY s.project_id, s.branch_id, s.source_table, s.target_table, s.check_type
                              ORDER BY s.validated_at DESC, s.validation_id) AS step
      FROM sync_validation_history s
)
SELECT l.status, l.source_table, l.project_id || '/' || l.branch_id AS place, l.check_type, l.source_count, l.target_count,
       l.count_drift, l.freshness_lag_seconds / 60 AS lag_minutes, l.checksum_match, l.validated_at
  FROM latest l
 WHERE l.step = 1
 ORDER BY CASE l.status WHEN 'healthy' THEN 2 WHEN 'waiting' THEN 1 ELSE 0 END, l.project_id, l.branch_id, l.source_table, l.target_table,
          l.check_type
 LIMIT 100
