-- summary: every index on a table of people's own, with what decides on its worth
-- kind: read
-- server: 15-18
-- note: schemas of lbops_ are ours (the ledgers of migrations and archives), and nobody else's to tune.
-- note: bytes are null where somebody holds, or waits for, an exclusive lock: asking for the size, or for a predicate,
-- note: would queue behind it. Sizes are those of the last vacuum or analyze, as the rows are, unless much has changed
-- note: since: asking for each would open each index, which takes seconds where there are many. How much has changed is
-- note: known where this server remembers the last analyze: a standby does not, nor does a compute that has slept since.
-- note: the lists of numbers are those of pg_index, as text, with blanks.
-- column index_id integer
-- column table_id integer
-- column schema text
-- column name text
-- column table_name text
-- column method text
-- column key_count integer
-- column keys text
-- column opclasses text
-- column collations text
-- column options text
-- column key_texts text[] null
-- column predicate text null
-- column has_opclass_options boolean
-- column settings text
-- column is_unique boolean
-- column is_nulls_not_distinct boolean
-- column is_immediate boolean
-- column is_primary boolean
-- column is_exclusion boolean
-- column is_replica_identity boolean
-- column is_clustered boolean
-- column is_valid boolean
-- column is_ready boolean
-- column is_live boolean
-- column is_partitioned boolean
-- column parent_id integer null
-- column constraint_name text null
-- column foreign_keys integer
-- column is_of_extension boolean
-- column is_being_built boolean
-- column rows number
-- column bytes integer null
-- column scans integer
-- column last_scan timestamp null
-- variant: 15
WITH held AS MATERIALIZED (
    SELECT l.relation
      FROM pg_locks l
     WHERE l.locktype = 'relation'
       AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
       AND l.mode = 'AccessExclusiveLock'
       AND l.pid IS DISTINCT FROM pg_backend_pid()
), backed AS MATERIALIZED (
    SELECT k.conindid,
           min(k.conname::text) FILTER (WHERE k.contype IN ('p', 'u', 'x')) AS constraint_name,
           count(*) FILTER (WHERE k.contype = 'f') AS foreign_keys
      FROM pg_constraint k
     WHERE k.conindid <> 0
     GROUP BY k.conindid
)
SELECT i.indexrelid::int8 AS index_id,
       i.indrelid::int8 AS table_id,
       n.nspname::text AS schema,
       c.relname::text AS name,
       t.relname::text AS table_name,
       m.amname::text AS method,
       i.indnkeyatts::int8 AS key_count,
       i.indkey::text AS keys,
       i.indclass::text AS opclasses,
       i.indcollation::text AS collations,
       i.indoption::text AS options,
       CASE WHEN i.indexprs IS NOT NULL AND i.indrelid NOT IN (SELECT relation FROM held)
            THEN ARRAY(SELECT pg_get_indexdef(i.indexrelid, k::int4, false) FROM generate_series(1, i.indnatts) k)
        END AS key_texts,
       CASE WHEN i.indpred IS NOT NULL AND i.indrelid NOT IN (SELECT relation FROM held)
            THEN pg_get_expr(i.indpred, i.indrelid)
        END AS predicate,
       m.amname NOT IN ('btree', 'hash')
           AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = i.indexrelid AND a.attoptions IS NOT NULL)
           AS has_opclass_options,
       coalesce(array_to_string(c.reloptions, ' '), '') AS settings,
       i.indisunique AS is_unique,
       i.indnullsnotdistinct AS is_nulls_not_distinct,
       i.indimmediate AS is_immediate,
       i.indisprimary AS is_primary,
       i.indisexclusion AS is_exclusion,
       i.indisreplident AS is_replica_identity,
       i.indisclustered AS is_clustered,
       i.indisvalid AS is_valid,
       i.indisready AS is_ready,
       i.indislive AS is_live,
       c.relkind = 'I' AS is_partitioned,
       h.inhparent::int8 AS parent_id,
       b.constraint_name AS constraint_name,
       coalesce(b.foreign_keys, 0) AS foreign_keys,
       i.indrelid IN (SELECT d.objid
                        FROM pg_depend d
                       WHERE d.classid = 'pg_class'::regclass
                         AND d.deptype = 'e') AS is_of_extension,
       i.indexrelid IN (SELECT p.index_relid FROM pg_stat_progress_create_index p WHERE p.index_relid IS NOT NULL)
           AS is_being_built,
       c.reltuples::float8 AS rows,
       CASE WHEN i.indexrelid IN (SELECT relation FROM held) OR i.indrelid IN (SELECT relation FROM held) THEN NULL
            WHEN c.relkind = 'I' THEN 0
            WHEN c.relpages > 0 AND c.reltuples >= 0 AND t.reltuples >= 0
                 AND (pg_stat_get_last_analyze_time(t.oid) IS NOT NULL
                      OR pg_stat_get_last_autoanalyze_time(t.oid) IS NOT NULL)
                 AND pg_stat_get_mod_since_analyze(t.oid) <= 50 + t.reltuples / 10
            THEN c.relpages::int8 * current_setting('block_size')::int8
            ELSE pg_relation_size(i.indexrelid)
        END AS bytes,
       pg_stat_get_numscans(i.indexrelid) AS scans,
       NULL::timestamptz AS last_scan
  FROM pg_index i
  JOIN pg_class c ON c.oid = i.indexrelid
  JOIN pg_class t ON t.oid = i.indrelid
  JOIN pg_namespace n ON n.oid = t.relnamespace
  JOIN pg_am m ON m.oid = c.relam
  LEFT JOIN pg_inherits h ON h.inhrelid = i.indexrelid
  LEFT JOIN backed b ON b.conindid = i.indexrelid
 WHERE t.relpersistence <> 't'
   AND t.relkind IN ('r', 'p', 'm')
   AND n.nspname NOT IN ('pg_catalog', 'information_schema')
   AND n.nspname !~ '^(pg_(toast|temp_)|lbops_)'
-- variant: 16-18
WITH held AS MATERIALIZED (
    SELECT l.relation
      FROM pg_locks l
     WHERE l.locktype = 'relation'
       AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
       AND l.mode = 'AccessExclusiveLock'
       AND l.pid IS DISTINCT FROM pg_backend_pid()
), backed AS MATERIALIZED (
    SELECT k.conindid,
           min(k.conname::text) FILTER (WHERE k.contype IN ('p', 'u', 'x')) AS constraint_name,
           count(*) FILTER (WHERE k.contype = 'f') AS foreign_keys
      FROM pg_constraint k
     WHERE k.conindid <> 0
     GROUP BY k.conindid
)
SELECT i.indexrelid::int8 AS index_id,
       i.indrelid::int8 AS table_id,
       n.nspname::text AS schema,
       c.relname::text AS name,
       t.relname::text AS table_name,
       m.amname::text AS method,
       i.indnkeyatts::int8 AS key_count,
       i.indkey::text AS keys,
       i.indclass::text AS opclasses,
       i.indcollation::text AS collations,
       i.indoption::text AS options,
       CASE WHEN i.indexprs IS NOT NULL AND i.indrelid NOT IN (SELECT relation FROM held)
            THEN ARRAY(SELECT pg_get_indexdef(i.indexrelid, k::int4, false) FROM generate_series(1, i.indnatts) k)
        END AS key_texts,
       CASE WHEN i.indpred IS NOT NULL AND i.indrelid NOT IN (SELECT relation FROM held)
            THEN pg_get_expr(i.indpred, i.indrelid)
        END AS predicate,
       m.amname NOT IN ('btree', 'hash')
           AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = i.indexrelid AND a.attoptions IS NOT NULL)
           AS has_opclass_options,
       coalesce(array_to_string(c.reloptions, ' '), '') AS settings,
       i.indisunique AS is_unique,
       i.indnullsnotdistinct AS is_nulls_not_distinct,
       i.indimmediate AS is_immediate,
       i.indisprimary AS is_primary,
       i.indisexclusion AS is_exclusion,
       i.indisreplident AS is_replica_identity,
       i.indisclustered AS is_clustered,
       i.indisvalid AS is_valid,
       i.indisready AS is_ready,
       i.indislive AS is_live,
       c.relkind = 'I' AS is_partitioned,
       h.inhparent::int8 AS parent_id,
       b.constraint_name AS constraint_name,
       coalesce(b.foreign_keys, 0) AS foreign_keys,
       i.indrelid IN (SELECT d.objid
                        FROM pg_depend d
                       WHERE d.classid = 'pg_class'::regclass
                         AND d.deptype = 'e') AS is_of_extension,
       i.indexrelid IN (SELECT p.index_relid FROM pg_stat_progress_create_index p WHERE p.index_relid IS NOT NULL)
           AS is_being_built,
       c.reltuples::float8 AS rows,
       CASE WHEN i.indexrelid IN (SELECT relation FROM held) OR i.indrelid IN (SELECT relation FROM held) THEN NULL
            WHEN c.relkind = 'I' THEN 0
            WHEN c.relpages > 0 AND c.reltuples >= 0 AND t.reltuples >= 0
                 AND (pg_stat_get_last_analyze_time(t.oid) IS NOT NULL
                      OR pg_stat_get_last_autoanalyze_time(t.oid) IS NOT NULL)
                 AND pg_stat_get_mod_since_analyze(t.oid) <= 50 + t.reltuples / 10
            THEN c.relpages::int8 * current_setting('block_size')::int8
            ELSE pg_relation_size(i.indexrelid)
        END AS bytes,
       pg_stat_get_numscans(i.indexrelid) AS scans,
       pg_stat_get_lastscan(i.indexrelid) AS last_scan
  FROM pg_index i
  JOIN pg_class c ON c.oid = i.indexrelid
  JOIN pg_class t ON t.oid = i.indrelid
  JOIN pg_namespace n ON n.oid = t.relnamespace
  JOIN pg_am m ON m.oid = c.relam
  LEFT JOIN pg_inherits h ON h.inhrelid = i.indexrelid
  LEFT JOIN backed b ON b.conindid = i.indexrelid
 WHERE t.relpersistence <> 't'
   AND t.relkind IN ('r', 'p', 'm')
   AND n.nspname NOT IN ('pg_catalog', 'information_schema')
   AND n.nspname !~ '^(pg_(toast|temp_)|lbops_)'
