-- summary: tables with dead rows to speak of, the greatest share first
-- kind: read
-- server: 15-18
-- note: reltuples is a better size than n_live_tup, where the table has ever been looked at.
-- param min_dead_rows integer
-- param min_bytes integer
-- param only text null
-- column metric text
-- column value numeric null
-- column object text null
-- column epoch text null
-- column detail json null
SELECT 'dead_tuple_ratio' AS metric,
       round(s.n_dead_tup / (s.n_dead_tup + greatest(CASE WHEN c.reltuples < 0 THEN s.n_live_tup ELSE c.reltuples END, 0))::numeric, 6) AS value,
       format('%s.%s', s.schemaname, s.relname) AS object,
       NULL::text AS epoch,
       jsonb_build_object('schema', s.schemaname, 'table', s.relname, 'dead_rows', s.n_dead_tup, 'live_rows', s.n_live_tup,
                          'reltuples', c.reltuples, 'bytes', pg_relation_size(s.relid),
                          'last_vacuum', greatest(s.last_vacuum, s.last_autovacuum),
                          'autovacuum', coalesce(c.reloptions::text !~ 'autovacuum_enabled=(false|off)', true)) AS detail
  FROM pg_stat_user_tables s
  JOIN pg_class c ON c.oid = s.relid
 WHERE s.n_dead_tup > 0
   AND s.n_dead_tup >= :min_dead_rows
   AND c.relpersistence <> 't'
   AND pg_relation_size(s.relid) >= :min_bytes
   AND (:only IS NULL OR format('%s.%s', s.schemaname, s.relname) = :only)
 ORDER BY value DESC, object
 LIMIT 50
