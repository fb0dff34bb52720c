-- summary: every table of people's own that can have indexes, with its size and what was done to it
-- kind: read
-- server: 15-18
-- note: schemas of lbops_ are ours (the ledgers of migrations and archives), and nobody else's to tune.
-- note: rows are -1 where the table was never analyzed. bytes are null where somebody holds an exclusive lock, and as
-- note: of the last vacuum or analyze where little has changed since.
-- column table_id integer
-- column schema text
-- column name text
-- column kind text
-- column is_partition boolean
-- column parent_id integer null
-- column is_of_extension boolean
-- column rows number
-- column bytes integer null
-- column live_rows integer
-- column changed_rows integer
-- column inserted integer
-- column updated integer
-- column updated_hot integer
-- column deleted integer
-- column seq_scans integer
-- column seq_rows integer
-- column index_scans integer
WITH held AS MATERIALIZED (
    SELECT l.relation
      FROM pg_locks l
     WHERE l.locktype = 'relation'
       AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
       AND l.mode = 'AccessExclusiveLock'
       AND l.pid IS DISTINCT FROM pg_backend_pid()
), used AS MATERIALIZED (
    SELECT i.indrelid, sum(pg_stat_get_numscans(i.indexrelid)) AS scans
      FROM pg_index i
     GROUP BY i.indrelid
), parents AS MATERIALIZED (
    SELECT h.inhrelid, min(h.inhparent) AS inhparent
      FROM pg_inherits h
     GROUP BY h.inhrelid
)
SELECT t.oid::int8 AS table_id,
       n.nspname::text AS schema,
       t.relname::text AS name,
       t.relkind::text AS kind,
       t.relispartition AS is_partition,
       p.inhparent::int8 AS parent_id,
       t.oid IN (SELECT d.objid
                   FROM pg_depend d
                  WHERE d.classid = 'pg_class'::regclass
                    AND d.deptype = 'e') AS is_of_extension,
       t.reltuples::float8 AS rows,
       CASE WHEN t.oid IN (SELECT relation FROM held) THEN NULL
            WHEN t.relkind = 'p' THEN 0
            WHEN t.relpages > 0 AND t.reltuples >= 0
                 AND (pg_stat_get_last_analyze_time(t.oid) IS NOT NULL
                      OR pg_stat_get_last_autoanalyze_time(t.oid) IS NOT NULL)
                 AND pg_stat_get_mod_since_analyze(t.oid) <= 50 + t.reltuples / 10
            THEN t.relpages::int8 * current_setting('block_size')::int8
            ELSE pg_relation_size(t.oid)
        END AS bytes,
       pg_stat_get_live_tuples(t.oid) AS live_rows,
       pg_stat_get_mod_since_analyze(t.oid) AS changed_rows,
       pg_stat_get_tuples_inserted(t.oid) AS inserted,
       pg_stat_get_tuples_updated(t.oid) AS updated,
       pg_stat_get_tuples_hot_updated(t.oid) AS updated_hot,
       pg_stat_get_tuples_deleted(t.oid) AS deleted,
       pg_stat_get_numscans(t.oid) AS seq_scans,
       pg_stat_get_tuples_returned(t.oid) AS seq_rows,
       coalesce(u.scans, 0)::int8 AS index_scans
  FROM pg_class t
  JOIN pg_namespace n ON n.oid = t.relnamespace
  LEFT JOIN used u ON u.indrelid = t.oid
  LEFT JOIN parents p ON p.inhrelid = t.oid
 WHERE t.relpersistence <> 't'
   AND t.relkind IN ('r', 'p', 'm')
   AND n.nspname NOT IN ('pg_catalog', 'information_schema')
   AND n.nspname !~ '^(pg_(toast|temp_)|lbops_)'
 ORDER BY t.oid
