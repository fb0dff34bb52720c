-- summary: tables with dead rows to speak of, the greatest share first
-- kind: read
-- server: 15-18
-- note: due_only leaves out what autovacuum would not come for yet. What keeps dead rows is told where somebody has for a
-- note: minute: then a vacuum removes nothing.
-- note: A table that somebody holds an exclusive lock on, or awaits one, has the size that the last vacuum or analyze saw:
-- note: asking for the real one would wait for that. Where none ever looked, its size is null and the table is told.
-- note: The fifty worst are told, and those of also at whatever place they are: an alert of theirs is open.
-- note: reltuples is a better size than n_live_tup, where the table has ever been looked at.
-- param min_dead_rows integer
-- param min_bytes integer
-- param only text null
-- param due_only boolean
-- param also text[]
-- column metric text
-- column value numeric null
-- column object text null
-- column epoch text null
-- column detail json null
WITH keeper AS (
  SELECT k.holder
    FROM (SELECT format('session %s of %s, for %s s', a.pid, a.usename,
                        round(extract(epoch FROM clock_timestamp() - a.xact_start))) AS holder,
                 greatest(age(a.backend_xmin), age(a.backend_xid)) AS age
            FROM pg_stat_activity a
           WHERE coalesce(a.backend_xmin, a.backend_xid) IS NOT NULL
             AND a.datname = current_database()
             AND a.backend_type = 'client backend'
             AND a.xact_start < clock_timestamp() - interval '1 minute'
          UNION ALL
          SELECT format('prepared transaction %s', p.gid), age(p.transaction)
            FROM pg_prepared_xacts p
           WHERE p.database = current_database()
          UNION ALL
          SELECT format('slot %s', s.slot_name), age(s.xmin)
            FROM pg_replication_slots s
           WHERE s.xmin IS NOT NULL) k
   ORDER BY k.age DESC
   LIMIT 1
), held AS MATERIALIZED (
  SELECT l.relation
    FROM pg_locks l
   WHERE l.locktype = 'relation'
     AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
     AND l.mode = 'AccessExclusiveLock'
     AND l.pid IS DISTINCT FROM pg_backend_pid()
), found AS (
  SELECT s.schemaname, s.relname, s.n_dead_tup, s.n_live_tup, s.last_vacuum, s.last_autovacuum, c.reltuples, c.reloptions,
         size.bytes, share.value, share.object, row_number() OVER (ORDER BY share.value DESC, share.object) AS place
    FROM pg_stat_user_tables s
    JOIN pg_class c ON c.oid = s.relid
   CROSS JOIN LATERAL (
    SELECT round(s.n_dead_tup / (s.n_dead_tup + greatest(CASE WHEN c.reltuples < 0 THEN s.n_live_tup ELSE c.reltuples END, 0))::numeric, 6) AS value,
           format('%s.%s', s.schemaname, s.relname) AS object
   ) AS share
   CROSS JOIN LATERAL (
    SELECT coalesce(max(o.option_value) FILTER (WHERE o.option_name = 'autovacuum_vacuum_threshold'),
                    current_setting('autovacuum_vacuum_threshold'))::float8
           + coalesce(max(o.option_value) FILTER (WHERE o.option_name = 'autovacuum_vacuum_scale_factor'),
                      current_setting('autovacuum_vacuum_scale_factor'))::float8
             * greatest(CASE WHEN c.reltuples < 0 THEN s.n_live_tup ELSE c.reltuples END, 0) AS rows
      FROM pg_options_to_table(c.reloptions) AS o
   ) AS due
   CROSS JOIN LATERAL (
    SELECT CASE WHEN s.relid NOT IN (SELECT h.relation FROM held h) THEN pg_relation_size(s.relid)
                WHEN c.reltuples >= 0 THEN c.relpages::int8 * current_setting('block_size')::int8
            END AS bytes
    OFFSET 0
   ) AS size -- once
   WHERE s.n_dead_tup > 0
     AND s.n_dead_tup >= :min_dead_rows
     AND c.relpersistence <> 't'
     AND (NOT :due_only OR s.n_dead_tup >= due.rows)
     AND coalesce(size.bytes >= :min_bytes, true)
     AND (:only IS NULL OR share.object = :only)
)
SELECT 'dead_tuple_ratio' AS metric,
       f.value,
       f.object,
       NULL::text AS epoch,
       jsonb_build_object('schema', f.schemaname, 'table', f.relname, 'dead_rows', f.n_dead_tup, 'live_rows', f.n_live_tup,
                          'reltuples', f.reltuples, 'bytes', f.bytes,
                          'kept_by', (SELECT k.holder FROM keeper k),
                          'last_vacuum', greatest(f.last_vacuum, f.last_autovacuum),
                          'autovacuum', coalesce(f.reloptions::text !~ 'autovacuum_enabled=(false|off)', true)) AS detail
  FROM found f
 WHERE f.place <= 50
    OR f.object = ANY (:also)
 ORDER BY f.value DESC, f.object
