-- query: vacuum.tables
-- title: Tables that gained the most from it
-- chart: ranks
-- window: 7 days
-- empty: None yet.
-- column: table_name label text Table
-- column: removed y count Dead rows removed
-- column: operations cell count Operations
-- column: bytes_freed cell bytes Space given back
-- column: last_at cell time Last
WITH upto AS (SELECT max(r.started_at) AS moment FROM tool_runs r)
SELECT v.project_id || '/' || v.branch_id || ' ' || v.schema_name || '.' || v.table_name AS table_name,
       CAST(sum(v.dead_tuples_before - v.dead_tuples_after) AS BIGINT) AS removed, count(*) AS operations,
       CAST(sum(v.bytes_before - v.bytes_after) AS BIGINT) AS bytes_freed, max(v.executed_at) AS last_at
  FROM vacuum_history v
  JOIN upto u ON v.executed_at > u.moment - INTERVAL 7 DAYS
 WHERE v.status = 'success'
 GROUP BY v.project_id, v.branch_id, v.schema_name, v.table_name
HAVING sum(v.dead_tuples_before - v.dead_tuples_after) > 0
 ORDER BY removed DESC, table_name
 LIMIT 10
