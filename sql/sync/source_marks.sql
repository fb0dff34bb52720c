-- summary: how many rows a table has, how many of them a copy must have, and when the oldest of the rest changed
-- kind: read
-- server: 15-18
-- param schema identifier like pg_catalog
-- param name identifier like pg_stat_activity
-- param column identifier like backend_start
-- param mark timestamp null
-- param settled_until timestamp null
-- param believable timestamp
-- column rows integer
-- column settled integer
-- column ahead integer
-- column latest timestamp null
-- column oldest_waiting timestamp null
SELECT count(*) AS rows,
       count(*) FILTER (WHERE t.:column <= :settled_until OR t.:column IS NULL) AS settled,
       count(*) FILTER (WHERE t.:column > :believable) AS ahead,
       CAST(max(t.:column) FILTER (WHERE isfinite(t.:column) AND t.:column <= :believable) AS timestamptz) AS latest,
       CAST(min(t.:column) FILTER (WHERE isfinite(t.:column) AND t.:column <= :believable
                                     AND (t.:column > :mark OR :mark IS NULL)) AS timestamptz)
         AS oldest_waiting
  FROM :schema.:name AS t
