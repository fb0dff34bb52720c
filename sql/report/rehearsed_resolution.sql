-- summary: seconds from planting incidents on branches to their ends, and how many there were
-- kind: history
-- param since timestamp
-- column seconds number null
-- column incidents number
SELECT sum(m.metric_value) AS seconds, CAST(count(*) AS DOUBLE) AS incidents
  FROM lakebase_metrics m
 WHERE m.metric_name = 'rehearsed_resolution'
   AND m.snapshot_timestamp >= :since
