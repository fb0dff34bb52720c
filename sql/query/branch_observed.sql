-- summary: for how long the statements of two branches were counted, as snapshots say, each within one epoch
-- kind: history
-- note: a statement that did not move is in no row of a snapshot; the longest span of its rows is the snapshot's.
-- param project text
-- param branch text
-- param other text
-- param since timestamp
-- column branch_id text
-- column seconds number
SELECT s.branch_id, sum(s.seconds) AS seconds
  FROM (SELECT h.branch_id, max(h.interval_seconds) AS seconds
          FROM pg_stat_history h
         WHERE h.project_id = :project
           AND h.branch_id IN (:branch, :other)
           AND h.snapshot_timestamp >= :since
           AND h.interval_seconds > 0
         GROUP BY h.branch_id, h.granularity, h.snapshot_timestamp) s
 GROUP BY s.branch_id
 ORDER BY s.branch_id
