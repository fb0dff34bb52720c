-- summary: what vacuum works on: tables, materialized views and TOAST tables with their counters, ages and own settings
-- kind: read
-- server: 15-18
-- note: names are those of the main table, for its TOAST table too. Sizes are what the last vacuum or analyze saw: asking
-- note: for the real ones takes a lock on each table. reltuples is -1 where nobody has looked yet. A TOAST table without
-- note: storage parameters of its own has those of its main table, as autovacuum sees it. With least_age only those that
-- note: are so old in ids, or may have a limit of their own. file: another one where it was truncated or rewritten.
-- note: A partitioned table is read only by its number: it has no rows, and ids of its own neither.
-- note: is_owned: its storage parameters are set by its owner alone, whoever may vacuum it.
-- note: Tables of ours (the ledgers of migrations and archives) are left out as those of the system are: ids age in all.
-- param system boolean
-- param only integer null
-- param least_age integer null
-- param may_vacuum sql like true
-- column schema text
-- column name text
-- column relation integer
-- column file integer
-- column main integer
-- column kind text
-- column persistence text
-- column is_partition boolean
-- column may_maintain boolean
-- column is_owned boolean
-- column pages integer
-- column visible_pages integer
-- column frozen_pages integer null
-- column rows_known number
-- column live integer
-- column dead integer
-- column inserted integer
-- column updated integer
-- column deleted integer
-- column hot_updated integer
-- column inserted_since_vacuum integer
-- column modified_since_analyze integer
-- column last_vacuum timestamp null
-- column last_autovacuum timestamp null
-- column last_analyze timestamp null
-- column last_autoanalyze timestamp null
-- column vacuums integer
-- column autovacuums integer
-- column vacuum_ms number null
-- column xid_age integer
-- column mxid_age integer
-- column own_settings json null
-- column enabled boolean null
-- column vacuum_threshold number null
-- column vacuum_scale number null
-- column vacuum_max_threshold number null
-- column insert_threshold number null
-- column insert_scale number null
-- column analyze_threshold number null
-- column analyze_scale number null
-- column freeze_max_age number null
-- column mxid_freeze_max_age number null
-- variant: 15-16
SELECT n.nspname::text AS schema,
       m.relname::text AS name,
       c.oid::int8 AS relation,
       c.relfilenode::int8 AS file,
       m.oid::int8 AS main,
       c.relkind::text AS kind,
       c.relpersistence::text AS persistence,
       m.relispartition AS is_partition,
       :may_vacuum AS may_maintain,
       pg_has_role(m.relowner, 'USAGE') AS is_owned,
       c.relpages::int8 AS pages,
       c.relallvisible::int8 AS visible_pages,
       NULL::int8 AS frozen_pages,
       c.reltuples::float8 AS rows_known,
       pg_stat_get_live_tuples(c.oid) AS live,
       pg_stat_get_dead_tuples(c.oid) AS dead,
       pg_stat_get_tuples_inserted(c.oid) AS inserted,
       pg_stat_get_tuples_updated(c.oid) AS updated,
       pg_stat_get_tuples_deleted(c.oid) AS deleted,
       pg_stat_get_tuples_hot_updated(c.oid) AS hot_updated,
       pg_stat_get_ins_since_vacuum(c.oid) AS inserted_since_vacuum,
       pg_stat_get_mod_since_analyze(c.oid) AS modified_since_analyze,
       pg_stat_get_last_vacuum_time(c.oid) AS last_vacuum,
       pg_stat_get_last_autovacuum_time(c.oid) AS last_autovacuum,
       pg_stat_get_last_analyze_time(c.oid) AS last_analyze,
       pg_stat_get_last_autoanalyze_time(c.oid) AS last_autoanalyze,
       pg_stat_get_vacuum_count(c.oid) AS vacuums,
       pg_stat_get_autovacuum_count(c.oid) AS autovacuums,
       NULL::float8 AS vacuum_ms,
       CASE WHEN c.relkind <> 'p' THEN age(c.relfrozenxid) ELSE 0 END::int8 AS xid_age,
       CASE WHEN c.relkind <> 'p' THEN mxid_age(c.relminmxid) ELSE 0 END::int8 AS mxid_age,
       o.own_settings,
       o.enabled,
       o.vacuum_threshold,
       o.vacuum_scale,
       o.vacuum_max_threshold,
       o.insert_threshold,
       o.insert_scale,
       o.analyze_threshold,
       o.analyze_scale,
       o.freeze_max_age,
       o.mxid_freeze_max_age
  FROM pg_class c
  LEFT JOIN pg_class w ON w.reltoastrelid = c.oid AND c.relkind = 't'
  JOIN pg_class m ON m.oid = CASE c.relkind WHEN 't' THEN w.oid ELSE c.oid END
  JOIN pg_namespace n ON n.oid = m.relnamespace
  LEFT JOIN LATERAL (
       SELECT jsonb_object_agg(s.option_name, s.option_value) AS own_settings,
              bool_and(s.option_value::bool) FILTER (WHERE s.option_name = 'autovacuum_enabled') AS enabled,
              max(s.option_value::float8) FILTER (WHERE s.option_name = 'autovacuum_vacuum_threshold') AS vacuum_threshold,
              max(s.option_value::float8) FILTER (WHERE s.option_name = 'autovacuum_vacuum_scale_factor') AS vacuum_scale,
              max(s.option_value::float8) FILTER (WHERE s.option_name = 'autovacuum_vacuum_max_threshold') AS vacuum_max_threshold,
              max(s.option_value::float8) FILTER (WHERE s.option_name = 'autovacuum_vacuum_insert_threshold') AS insert_threshold,
              max(s.option_value::float8) FILTER (WHERE s.option_name = 'autovacuum_vacuum_insert_scale_factor') AS insert_scale,
              max(s.option_value::float8) FILTER (WHERE s.option_name = 'autovacuum_analyze_threshold') AS analyze_threshold,
              max(s.option_value::float8) FILTER (WHERE s.option_name = 'autovacuum_analyze_scale_factor') AS analyze_scale,
              max(s.option_value::float8) FILTER (WHERE s.option_name = 'autovacuum_freeze_max_age') AS freeze_max_age,
              max(s.option_value::float8) FILTER (WHERE s.option_name = 'autovacuum_multixact_freeze_max_age') AS mxid_freeze_max_age
         FROM pg_options_to_table(CASE WHEN c.relkind = 't' THEN coalesce(c.reloptions, m.reloptions) ELSE c.reloptions END) s
        WHERE s.option_name LIKE 'autovacuum%') o ON true
 WHERE (c.relkind IN ('r', 'm', 't') OR c.relkind = 'p' AND c.oid = :only::oid)
   AND (:only::oid IS NULL OR c.oid = :only::oid)
   AND (:least_age::int8 IS NULL OR coalesce(c.reloptions, m.reloptions) IS NOT NULL
        OR greatest(age(c.relfrozenxid), mxid_age(c.relminmxid)) >= :least_age)
   AND (:system OR n.nspname <> 'information_schema' AND n.nspname !~ '^(pg_(catalog|toast)|lbops_)'
        AND NOT EXISTS (SELECT FROM pg_depend d
                         WHERE d.classid = 'pg_class'::regclass AND d.objid = m.oid AND d.deptype = 'e'))
 ORDER BY schema, name, kind
-- variant: 17
SELECT n.nspname::text AS schema,
       m.relname::text AS name,
       c.oid::int8 AS relation,
       c.relfilenode::int8 AS file,
       m.oid::int8 AS main,
       c.relkind::text AS kind,
       c.relpersistence::text AS persistence,
       m.relispartition AS is_partition,
       :may_vacuum AS may_maintain,
       pg_has_role(m.relowner, 'USAGE') AS is_owned,
       c.relpages::int8 AS pages,
       c.relallvisible::int8 AS visible_pages,
       NULL::int8 AS frozen_pages,
       c.reltuples::float8 AS rows_known,
       pg_stat_get_live_tuples(c.oid) AS live,
       pg_stat_get_dead_tuples(c.oid) AS dead,
       pg_stat_get_tuples_inserted(c.oid) AS inserted,
       pg_stat_get_tuples_updated(c.oid) AS updated,
       pg_stat_get_tuples_deleted(c.oid) AS deleted,
       pg_stat_get_tuples_hot_updated(c.oid) AS hot_updated,
       pg_stat_get_ins_since_vacuum(c.oid) AS inserted_since_vacuum,
       pg_stat_get_mod_since_analyze(c.oid) AS modified_since_analyze,
       pg_stat_get_last_vacuum_time(c.oid) AS last_vacuum,
       pg_stat_get_last_autovacuum_time(c.oid) AS last_autovacuum,
       pg_stat_get_last_analyze_time(c.oid) AS last_analyze,
       pg_stat_get_last_autoanalyze_time(c.oid) AS last_autoanalyze,
       pg_stat_get_vacuum_count(c.oid) AS vacuums,
       pg_stat_get_autovacuum_count(c.oid) AS autovacuums,
       NULL::float8 AS vacuum_ms,
       CASE WHEN c.relkind <> 'p' THEN age(c.relfrozenxid) ELSE 0 END::int8 AS xid_age,
       CASE WHEN c.relkind <> 'p' THEN mxid_age(c.relminmxid) ELSE 0 END::int8 AS mxid_age,
       o.own_settings,
       o.enabled,
       o.vacuum_threshold,
       o.vacuum_scale,
       o.vacuum_max_threshold,
       o.insert_threshold,
       o.insert_scale,
       o.analyze_threshold,
       o.analyze_scale,
       o.freeze_max_age,
       o.mxid_freeze_max_age
  FROM pg_class c
  LEFT JOIN pg_class w ON w.reltoastrelid = c.oid AND c.relkind = 't'
  JOIN pg_class m ON m.oid = CASE c.relkind WHEN 't' THEN w.oid ELSE c.oid END
  JOIN pg_namespace n ON n.oid = m.relnamespace
  LEFT JOIN LATERAL (
       SELECT jsonb_object_agg(s.option_name, s.option_value) AS own_settings,
              bool_and(s.option_value::bool) FILTER (WHERE s.option_name = 'autovacuum_enabled') AS enabled,
              max(s.option_value::float8) FILTER (WHERE s.option_name = 'autovacuum_vacuum_threshold') AS vacuum_threshold,
              max(s.option_value::float8) FILTER (WHERE s.option_name = 'autovacuum_vacuum_scale_factor') AS vacuum_scale,
              max(s.option_value::float8) FILTER (WHERE s.option_name = 'autovacuum_vacuum_max_threshold') AS vacuum_max_threshold,
              max(s.option_value::float8) FILTER (WHERE s.option_name = 'autovacuum_vacuum_insert_threshold') AS insert_threshold,
              max(s.option_value::float8) FILTER (WHERE s.option_name = 'autovacuum_vacuum_insert_scale_factor') AS insert_scale,
              max(s.option_value::float8) FILTER (WHERE s.option_name = 'autovacuum_analyze_threshold') AS analyze_threshold,
              max(s.option_value::float8) FILTER (WHERE s.option_name = 'autovacuum_analyze_scale_factor') AS analyze_scale,
              max(s.option_value::float8) FILTER (WHERE s.option_name = 'autovacuum_freeze_max_age') AS freeze_max_age,
              max(s.option_value::float8) FILTER (WHERE s.option_name = 'autovacuum_multixact_freeze_max_age') AS mxid_freeze_max_age
         FROM pg_options_to_table(CASE WHEN c.relkind = 't' THEN coalesce(c.reloptions, m.reloptions) ELSE c.reloptions END) s
        WHERE s.option_name LIKE 'autovacuum%') o ON true
 WHERE (c.relkind IN ('r', 'm', 't') OR c.relkind = 'p' AND c.oid = :only::oid)
   AND (:only::oid IS NULL OR c.oid = :only::oid)
   AND (:least_age::int8 IS NULL OR coalesce(c.reloptions, m.reloptions) IS NOT NULL
        OR greatest(age(c.relfrozenxid), mxid_age(c.relminmxid)) >= :least_age)
   AND (:system OR n.nspname <> 'information_schema' AND n.nspname !~ '^(pg_(catalog|toast)|lbops_)'
        AND NOT EXISTS (SELECT FROM pg_depend d
                         WHERE d.classid = 'pg_class'::regclass AND d.objid = m.oid AND d.deptype = 'e'))
 ORDER BY schema, name, kind
-- variant: 18
SELECT n.nspname::text AS schema,
       m.relname::text AS name,
       c.oid::int8 AS relation,
       c.relfilenode::int8 AS file,
       m.oid::int8 AS main,
       c.relkind::text AS kind,
       c.relpersistence::text AS persistence,
       m.relispartition AS is_partition,
       :may_vacuum AS may_maintain,
       pg_has_role(m.relowner, 'USAGE') AS is_owned,
       c.relpages::int8 AS pages,
       c.relallvisible::int8 AS visible_pages,
       c.relallfrozen::int8 AS frozen_pages,
       c.reltuples::float8 AS rows_known,
       pg_stat_get_live_tuples(c.oid) AS live,
       pg_stat_get_dead_tuples(c.oid) AS dead,
       pg_stat_get_tuples_inserted(c.oid) AS inserted,
       pg_stat_get_tuples_updated(c.oid) AS updated,
       pg_stat_get_tuples_deleted(c.oid) AS deleted,
       pg_stat_get_tuples_hot_updated(c.oid) AS hot_updated,
       pg_stat_get_ins_since_vacuum(c.oid) AS inserted_since_vacuum,
       pg_stat_get_mod_since_analyze(c.oid) AS modified_since_analyze,
       pg_stat_get_last_vacuum_time(c.oid) AS last_vacuum,
       pg_stat_get_last_autovacuum_time(c.oid) AS last_autovacuum,
       pg_stat_get_last_analyze_time(c.oid) AS last_analyze,
       pg_stat_get_last_autoanalyze_time(c.oid) AS last_autoanalyze,
       pg_stat_get_vacuum_count(c.oid) AS vacuums,
       pg_stat_get_autovacuum_count(c.oid) AS autovacuums,
       (pg_stat_get_total_vacuum_time(c.oid) + pg_stat_get_total_autovacuum_time(c.oid))::float8 AS vacuum_ms,
       CASE WHEN c.relkind <> 'p' THEN age(c.relfrozenxid) ELSE 0 END::int8 AS xid_age,
       CASE WHEN c.relkind <> 'p' THEN mxid_age(c.relminmxid) ELSE 0 END::int8 AS mxid_age,
       o.own_settings,
       o.enabled,
       o.vacuum_threshold,
       o.vacuum_scale,
       o.vacuum_max_threshold,
       o.insert_threshold,
       o.insert_scale,
       o.analyze_threshold,
       o.analyze_scale,
       o.freeze_max_age,
       o.mxid_freeze_max_age
  FROM pg_class c
  LEFT JOIN pg_class w ON w.reltoastrelid = c.oid AND c.relkind = 't'
  JOIN pg_class m ON m.oid = CASE c.relkind WHEN 't' THEN w.oid ELSE c.oid END
  JOIN pg_namespace n ON n.oid = m.relnamespace
  LEFT JOIN LATERAL (
       SELECT jsonb_object_agg(s.option_name, s.option_value) AS own_settings,
              bool_and(s.option_value::bool) FILTER (WHERE s.option_name = 'autovacuum_enabled') AS enabled,
              max(s.option_value::float8) FILTER (WHERE s.option_name = 'autovacuum_vacuum_threshold') AS vacuum_threshold,
              max(s.option_value::float8) FILTER (WHERE s.option_name = 'autovacuum_vacuum_scale_factor') AS vacuum_scale,
              max(s.option_value::float8) FILTER (WHERE s.option_name = 'autovacuum_vacuum_max_threshold') AS vacuum_max_threshold,
              max(s.option_value::float8) FILTER (WHERE s.option_name = 'autovacuum_vacuum_insert_threshold') AS insert_threshold,
              max(s.option_value::float8) FILTER (WHERE s.option_name = 'autovacuum_vacuum_insert_scale_factor') AS insert_scale,
              max(s.option_value::float8) FILTER (WHERE s.option_name = 'autovacuum_analyze_threshold') AS analyze_threshold,
              max(s.option_value::float8) FILTER (WHERE s.option_name = 'autovacuum_analyze_scale_factor') AS analyze_scale,
              max(s.option_value::float8) FILTER (WHERE s.option_name = 'autovacuum_freeze_max_age') AS freeze_max_age,
              max(s.option_value::float8) FILTER (WHERE s.option_name = 'autovacuum_multixact_freeze_max_age') AS mxid_freeze_max_age
         FROM pg_options_to_table(CASE WHEN c.relkind = 't' THEN coalesce(c.reloptions, m.reloptions) ELSE c.reloptions END) s
        WHERE s.option_name LIKE 'autovacuum%') o ON true
 WHERE (c.relkind IN ('r', 'm', 't') OR c.relkind = 'p' AND c.oid = :only::oid)
   AND (:only::oid IS NULL OR c.oid = :only::oid)
   AND (:least_age::int8 IS NULL OR coalesce(c.reloptions, m.reloptions) IS NOT NULL
        OR greatest(age(c.relfrozenxid), mxid_age(c.relminmxid)) >= :least_age)
   AND (:system OR n.nspname <> 'information_schema' AND n.nspname !~ '^(pg_(catalog|toast)|lbops_)'
        AND NOT EXISTS (SELECT FROM pg_depend d
                         WHERE d.classid = 'pg_class'::regclass AND d.objid = m.oid AND d.deptype = 'e'))
 ORDER BY schema, name, kind
