-- summary: every table of people's own: its size, what was done to it and when, and what hangs on its rows
-- kind: read
-- server: 15-18
-- note: sizes are those of the last vacuum or analyze: the real ones take a lock on each table. rows are -1 where nobody
-- note: has looked yet. unfit_column is one whose name no table of the lakehouse can have.
-- column table_id integer
-- column schema text
-- column name text
-- column kind text
-- column persistence text
-- column is_partition boolean
-- column parent_id integer null
-- column is_inherited boolean
-- column is_of_extension boolean
-- column is_locked boolean
-- column may_read boolean
-- column hides_rows boolean
-- column rows number
-- column live_rows integer
-- column table_bytes integer
-- column index_bytes integer
-- column inserted integer
-- column updated integer
-- column deleted integer
-- column changed_rows integer
-- column last_analyze timestamp null
-- column seq_scans integer
-- column index_scans integer
-- column last_seq_scan timestamp null
-- column last_index_scan timestamp null
-- column delete_triggers integer
-- column is_published boolean
-- column unfit_column text null
-- variant: 15
WITH held AS MATERIALIZED (
    SELECT l.relation
      FROM pg_locks l
     WHERE l.locktype = 'relation'
       AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
       AND l.mode = 'AccessExclusiveLock'
       AND l.pid IS DISTINCT FROM pg_backend_pid()
)
SELECT t.oid::int8 AS table_id,
       n.nspname::text AS schema,
       t.relname::text AS name,
       t.relkind::text AS kind,
       t.relpersistence::text AS persistence,
       t.relispartition AS is_partition,
       (SELECT min(h.inhparent) FROM pg_inherits h WHERE h.inhrelid = t.oid)::int8 AS parent_id,
       EXISTS (SELECT FROM pg_inherits h WHERE h.inhparent = t.oid) AND t.relkind <> 'p' AS is_inherited,
       EXISTS (SELECT FROM pg_depend d
                WHERE d.classid = 'pg_class'::regclass AND d.objid = t.oid AND d.deptype = 'e') AS is_of_extension,
       t.oid IN (SELECT h.relation FROM held h) AS is_locked,
       has_table_privilege(t.oid, 'SELECT') AS may_read,
       row_security_active(t.oid) AS hides_rows,
       t.reltuples::float8 AS rows,
       pg_stat_get_live_tuples(t.oid) AS live_rows,
       (t.relpages::int8 + coalesce(o.relpages, 0)) * current_setting('block_size')::int8 AS table_bytes,
       (SELECT coalesce(sum(x.relpages), 0)::int8
          FROM pg_index i
          JOIN pg_class x ON x.oid = i.indexrelid
         WHERE i.indrelid = t.oid) * current_setting('block_size')::int8 AS index_bytes,
       pg_stat_get_tuples_inserted(t.oid) AS inserted,
       pg_stat_get_tuples_updated(t.oid) AS updated,
       pg_stat_get_tuples_deleted(t.oid) AS deleted,
       pg_stat_get_mod_since_analyze(t.oid) AS changed_rows,
       greatest(pg_stat_get_last_analyze_time(t.oid), pg_stat_get_last_autoanalyze_time(t.oid)) AS last_analyze,
       pg_stat_get_numscans(t.oid) AS seq_scans,
       (SELECT coalesce(sum(pg_stat_get_numscans(i.indexrelid)), 0)::int8
          FROM pg_index i
         WHERE i.indrelid = t.oid) AS index_scans,
       NULL::timestamptz AS last_seq_scan,
       NULL::timestamptz AS last_index_scan,
       (SELECT count(*)
          FROM pg_trigger g
         WHERE g.tgrelid = t.oid AND NOT g.tgisinternal AND g.tgtype & 8 = 8) AS delete_triggers,
       EXISTS (SELECT FROM pg_publication p
                WHERE p.puballtables
                   OR EXISTS (SELECT FROM pg_publication_rel r WHERE r.prpubid = p.oid AND r.prrelid = t.oid)
                   OR EXISTS (SELECT FROM pg_publication_namespace s
                               WHERE s.pnpubid = p.oid AND s.pnnspid = t.relnamespace)) AS is_published,
       (SELECT a.attname::text
          FROM pg_attribute a
         WHERE a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attname ~ '[ ,;{}()=\t\n]'
         ORDER BY a.attnum
         LIMIT 1) AS unfit_column
  FROM pg_class t
  JOIN pg_namespace n ON n.oid = t.relnamespace
  LEFT JOIN pg_class o ON o.oid = t.reltoastrelid
 WHERE t.relkind IN ('r', 'p', 'f')
   AND n.nspname NOT IN ('pg_catalog', 'information_schema')
   AND n.nspname !~ '^pg_toast'
 ORDER BY schema, name
-- variant: 16-18
WITH held AS MATERIALIZED (
    SELECT l.relation
      FROM pg_locks l
     WHERE l.locktype = 'relation'
       AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
       AND l.mode = 'AccessExclusiveLock'
       AND l.pid IS DISTINCT FROM pg_backend_pid()
)
SELECT t.oid::int8 AS table_id,
       n.nspname::text AS schema,
       t.relname::text AS name,
       t.relkind::text AS kind,
       t.relpersistence::text AS persistence,
       t.relispartition AS is_partition,
       (SELECT min(h.inhparent) FROM pg_inherits h WHERE h.inhrelid = t.oid)::int8 AS parent_id,
       EXISTS (SELECT FROM pg_inherits h WHERE h.inhparent = t.oid) AND t.relkind <> 'p' AS is_inherited,
       EXISTS (SELECT FROM pg_depend d
                WHERE d.classid = 'pg_class'::regclass AND d.objid = t.oid AND d.deptype = 'e') AS is_of_extension,
       t.oid IN (SELECT h.relation FROM held h) AS is_locked,
       has_table_privilege(t.oid, 'SELECT') AS may_read,
       row_security_active(t.oid) AS hides_rows,
       t.reltuples::float8 AS rows,
       pg_stat_get_live_tuples(t.oid) AS live_rows,
       (t.relpages::int8 + coalesce(o.relpages, 0)) * current_setting('block_size')::int8 AS table_bytes,
       (SELECT coalesce(sum(x.relpages), 0)::int8
          FROM pg_index i
          JOIN pg_class x ON x.oid = i.indexrelid
         WHERE i.indrelid = t.oid) * current_setting('block_size')::int8 AS index_bytes,
       pg_stat_get_tuples_inserted(t.oid) AS inserted,
       pg_stat_get_tuples_updated(t.oid) AS updated,
       pg_stat_get_tuples_deleted(t.oid) AS deleted,
       pg_stat_get_mod_since_analyze(t.oid) AS changed_rows,
       greatest(pg_stat_get_last_analyze_time(t.oid), pg_stat_get_last_autoanalyze_time(t.oid)) AS last_analyze,
       pg_stat_get_numscans(t.oid) AS seq_scans,
       (SELECT coalesce(sum(pg_stat_get_numscans(i.indexrelid)), 0)::int8
          FROM pg_index i
         WHERE i.indrelid = t.oid) AS index_scans,
       pg_stat_get_lastscan(t.oid) AS last_seq_scan,
       (SELECT max(pg_stat_get_lastscan(i.indexrelid))
          FROM pg_index i
         WHERE i.indrelid = t.oid) AS last_index_scan,
       (SELECT count(*)
          FROM pg_trigger g
         WHERE g.tgrelid = t.oid AND NOT g.tgisinternal AND g.tgtype & 8 = 8) AS delete_triggers,
       EXISTS (SELECT FROM pg_publication p
                WHERE p.puballtables
                   OR EXISTS (SELECT FROM pg_publication_rel r WHERE r.prpubid = p.oid AND r.prrelid = t.oid)
                   OR EXISTS (SELECT FROM pg_publication_namespace s
                               WHERE s.pnpubid = p.oid AND s.pnnspid = t.relnamespace)) AS is_published,
       (SELECT a.attname::text
          FROM pg_attribute a
         WHERE a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attname ~ '[ ,;{}()=\t\n]'
         ORDER BY a.attnum
         LIMIT 1) AS unfit_column
  FROM pg_class t
  JOIN pg_namespace n ON n.oid = t.relnamespace
  LEFT JOIN pg_class o ON o.oid = t.reltoastrelid
 WHERE t.relkind IN ('r', 'p', 'f')
   AND n.nspname NOT IN ('pg_catalog', 'information_schema')
   AND n.nspname !~ '^pg_toast'
 ORDER BY schema, name
