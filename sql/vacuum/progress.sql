-- summary: vacuums that run now in this database
-- kind: read
-- server: 15-18
-- column pid integer
-- column relation integer
-- column phase text
-- column is_automatic boolean
-- column is_against_wraparound boolean
-- column pages integer
-- column pages_done integer
SELECT v.pid::int8 AS pid,
       v.relid::int8 AS relation,
       v.phase AS phase,
       coalesce(a.backend_type = 'autovacuum worker', false) AS is_automatic,
       coalesce(a.query LIKE '%to prevent wraparound%', false) AS is_against_wraparound,
       v.heap_blks_total AS pages,
       v.heap_blks_scanned AS pages_done
  FROM pg_stat_progress_vacuum v
  LEFT JOIN pg_stat_activity a ON a.pid = v.pid
 WHERE v.datname = current_database()
 ORDER BY pid
