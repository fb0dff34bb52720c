-- summary: how often the server dropped the statements that ran least, to make room, since a moment, as readings of it say
-- kind: history
-- note: a count that has fallen, or whose epoch is another, began again from nothing. Two tools note it, each as a metric:
-- note: the one that saw more counts.
-- param project text
-- param branch text
-- param since timestamp
-- column evictions number null
SELECT max(g.grown) AS evictions
  FROM (SELECT s.metric_name,
               sum(CASE WHEN s.earlier IS NULL THEN 0
                        WHEN s.epoch <> s.earlier_epoch THEN s.metric_value
                        WHEN s.metric_value >= s.earlier THEN s.metric_value - s.earlier
                        ELSE s.metric_value
                    END) AS grown
          FROM (SELECT m.metric_name,
                       m.metric_value,
                       m.epoch,
                       lag(m.metric_value) OVER (PARTITION BY m.metric_name ORDER BY m.snapshot_timestamp) AS earlier,
                       lag(m.epoch) OVER (PARTITION BY m.metric_name ORDER BY m.snapshot_timestamp) AS earlier_epoch
                  FROM lakebase_metrics m
                 WHERE m.project_id = :project
                   AND m.branch_id = :branch
                   AND m.metric_name IN ('pg_stat_statements_dealloc', 'pg_stat_statements_dealloc_at_snapshot')
                   AND m.snapshot_timestamp >= :since) s
         GROUP BY s.metric_name) g
