-- summary: storage parameters, foreign options, inheritance and other properties of tables, each an object of the model
-- kind: read
-- server: 15-18
-- note: an index_space is that of an index which is a partition of another: it has its parent's where that was there
-- note: first, and else its own, so that it is written down where either has one
-- note: an index_name is what such an index is called, by its root and its partition; given: not as the server names it
-- note: made_name: what the server calls it when it makes it where nothing else has that name; not where it would be cut
-- column catalog integer
-- column object integer
-- column part integer
-- column kind text
-- column schema text null
-- column address text
-- column name text null
-- column up_catalog integer
-- column up_object integer
-- column up_part integer
-- column attrs text[]
WITH named AS (
    SELECT c.*,
           n.nspname,
           format('%I.%I', n.nspname, c.relname) AS identity,
           CASE c.relkind WHEN 'f' THEN 'FOREIGN TABLE' WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'TABLE' END AS word
      FROM pg_class c
      JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm', 'S')
       AND c.relpersistence <> 't'
       AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
       AND c.oid NOT IN (SELECT objid FROM pg_depend WHERE classid = 'pg_class'::regclass AND deptype = 'e')
), settings AS (
    SELECT c.oid, '' AS prefix, o.option_name AS name, o.option_value AS value
      FROM named c, pg_options_to_table(c.reloptions) o
     UNION ALL
    SELECT c.oid, 'toast.', o.option_name, o.option_value
      FROM named c
      JOIN pg_class t ON t.oid = c.reltoastrelid, pg_options_to_table(t.reloptions) o
), found AS (
    SELECT c.oid, 0 AS part, 'option' AS kind, c.nspname, format('OPTION %s%I OF %s', s.prefix, s.name, c.identity) AS address,
           s.name::text AS name, format('ALTER %s %s SET (%s%I = %L)', c.word, c.identity, s.prefix, s.name, s.value) AS definition,
           format('ALTER %s %s RESET (%s%I)', c.word, c.identity, s.prefix, s.name) AS undo, NULL AS inline
      FROM named c
      JOIN settings s ON s.oid = c.oid
     UNION ALL
    SELECT c.oid, a.attnum, 'option', c.nspname, format('OPTION %I OF %s.%I', o.option_name, c.identity, a.attname),
           o.option_name, format('ALTER %s %s ALTER COLUMN %I SET (%I = %L)', c.word, c.identity, a.attname, o.option_name, o.option_value),
           format('ALTER %s %s ALTER COLUMN %I RESET (%I)', c.word, c.identity, a.attname, o.option_name), NULL
      FROM named c
      JOIN pg_attribute a ON a.attrelid = c.oid AND a.attoptions IS NOT NULL AND NOT a.attisdropped, pg_options_to_table(a.attoptions) o
     WHERE o.option_name IN ('n_distinct', 'n_distinct_inherited') -- what people may set; servers keep more there
     UNION ALL
    SELECT c.oid, 0, 'foreign_option', c.nspname, format('OPTION %I OF %s', o.option_name, c.identity), o.option_name,
           format('ALTER FOREIGN TABLE %s OPTIONS (ADD %I %L)', c.identity, o.option_name, o.option_value),
           format('ALTER FOREIGN TABLE %s OPTIONS (DROP %I)', c.identity, o.option_name), 'yes'
      FROM named c
      JOIN pg_foreign_table f ON f.ftrelid = c.oid, pg_options_to_table(f.ftoptions) o
     WHERE o.option_name !~* 'passw|secret|token|private'
     UNION ALL
    SELECT c.oid, a.attnum, 'foreign_option', c.nspname, format('OPTION %I OF %s.%I', o.option_name, c.identity, a.attname),
           o.option_name, format('ALTER FOREIGN TABLE %s ALTER COLUMN %I OPTIONS (ADD %I %L)', c.identity, a.attname, o.option_name, o.option_value),
           format('ALTER FOREIGN TABLE %s ALTER COLUMN %I OPTIONS (DROP %I)', c.identity, a.attname, o.option_name), NULL
      FROM named c
      JOIN pg_attribute a ON a.attrelid = c.oid AND a.attfdwoptions IS NOT NULL AND NOT a.attisdropped, pg_options_to_table(a.attfdwoptions) o
     UNION ALL
    SELECT c.oid, 0, 'inheritance', c.nspname, format('%s OF %I.%I', c.identity, pn.nspname, p.relname), NULL,
           CASE WHEN c.relispartition
                THEN format('ALTER TABLE %I.%I ATTACH PARTITION %s %s', pn.nspname, p.relname, c.identity, pg_get_expr(c.relpartbound, c.oid))
                ELSE format('ALTER TABLE %s INHERIT %I.%I', c.identity, pn.nspname, p.relname) END,
           CASE WHEN c.relispartition THEN format('ALTER TABLE %I.%I DETACH PARTITION %s', pn.nspname, p.relname, c.identity)
                ELSE format('ALTER TABLE %s NO INHERIT %I.%I', c.identity, pn.nspname, p.relname) END, 'yes'
      FROM named c
      JOIN pg_inherits i ON i.inhrelid = c.oid
      JOIN pg_class p ON p.oid = i.inhparent
      JOIN pg_namespace pn ON pn.oid = p.relnamespace
     UNION ALL
    SELECT c.oid, 0, 'replica_identity', c.nspname, format('REPLICA IDENTITY OF %s', c.identity), NULL,
           format('ALTER TABLE %s REPLICA IDENTITY %s', c.identity,
                  CASE c.relreplident WHEN 'f' THEN 'FULL' WHEN 'n' THEN 'NOTHING'
                                      ELSE 'USING INDEX ' || (SELECT quote_ident(ic.relname)
                                                                FROM pg_index x
                                                                JOIN pg_class ic ON ic.oid = x.indexrelid
                                                               WHERE x.indrelid = c.oid AND x.indisreplident) END),
           format('ALTER TABLE %s REPLICA IDENTITY DEFAULT', c.identity), NULL
      FROM named c
     WHERE c.relkind IN ('r', 'p')
       AND (c.relreplident IN ('f', 'n')
            OR c.relreplident = 'i' AND EXISTS (SELECT 1 FROM pg_index x WHERE x.indrelid = c.oid AND x.indisreplident))
     UNION ALL
    SELECT c.oid, 0, 'cluster', c.nspname, format('CLUSTER OF %s', c.identity), NULL,
           format('ALTER %s %s CLUSTER ON %I', c.word, c.identity, ic.relname),
           format('ALTER %s %s SET WITHOUT CLUSTER', c.word, c.identity), NULL
      FROM named c
      JOIN pg_index x ON x.indrelid = c.oid AND x.indisclustered
      JOIN pg_class ic ON ic.oid = x.indexrelid
     UNION ALL
    SELECT ic.oid, 0, 'option', c.nspname, format('OPTION STATISTICS OF INDEX %I.%I.%s', c.nspname, ic.relname, a.attnum), NULL,
           format('ALTER INDEX %I.%I ALTER COLUMN %s SET STATISTICS %s', c.nspname, ic.relname, a.attnum, a.attstattarget),
           format('ALTER INDEX %I.%I ALTER COLUMN %s SET STATISTICS -1', c.nspname, ic.relname, a.attnum), NULL
      FROM named c
      JOIN pg_index x ON x.indrelid = c.oid
      JOIN pg_class ic ON ic.oid = x.indexrelid AND NOT ic.relispartition
      JOIN pg_attribute a ON a.attrelid = ic.oid AND a.attstattarget >= 0
     WHERE NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = ic.oid AND k.contype = 'x')
     UNION ALL
    SELECT s.oid, 0, 'sequence_owner', s.nspname, format('OWNER OF %s', s.identity), NULL,
           format('ALTER SEQUENCE %s OWNED BY %s.%I', s.identity, c.identity, a.attname),
           format('ALTER SEQUENCE %s OWNED BY NONE', s.identity), NULL
      FROM named s
      JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = s.oid AND d.refclassid = 'pg_class'::regclass
                          AND d.refobjsubid > 0 AND d.deptype = 'a'
      JOIN named c ON c.oid = d.refobjid
      JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.refobjsubid
     WHERE s.relkind = 'S'
)
SELECT 0::int8 AS catalog,
       0::int8 AS object,
       0::int8 AS part,
       f.kind AS kind,
       f.nspname::text AS schema,
       f.address AS address,
       f.name AS name,
       'pg_class'::regclass::int8 AS up_catalog,
       f.oid::int8 AS up_object,
       f.part::int8 AS up_part,
       ARRAY['definition', f.definition, 'drop', f.undo, 'inline', f.inline] AS attrs
  FROM found f
 UNION ALL
SELECT 0,
       0,
       0,
       'option',
       n.nspname::text,
       format('OPTION %I OF INDEX %I.%I', o.option_name, n.nspname, i.relname),
       o.option_name,
       'pg_constraint'::regclass::int8,
       k.oid::int8,
       0,
       ARRAY['definition', format('ALTER INDEX %I.%I SET (%I = %L)', n.nspname, i.relname, o.option_name, o.option_value),
             'drop', format('ALTER INDEX %I.%I RESET (%I)', n.nspname, i.relname, o.option_name)]
  FROM pg_constraint k
  JOIN named c ON c.oid = k.conrelid
  JOIN pg_class i ON i.oid = k.conindid AND i.relkind = 'i' AND NOT i.relispartition
  JOIN pg_namespace n ON n.oid = i.relnamespace, pg_options_to_table(i.reloptions) o
 WHERE k.contype IN ('p', 'u', 'x')
 UNION ALL
SELECT 0,
       0,
       0,
       'index_space',
       n.nspname::text,
       format('TABLESPACE OF INDEX %I.%I', n.nspname, i.relname),
       NULL,
       CASE WHEN k.oid IS NULL THEN 'pg_class'::regclass::int8 ELSE 'pg_constraint'::regclass::int8 END,
       coalesce(k.oid, r.root)::int8,
       0,
       ARRAY['definition', format('ALTER INDEX IF EXISTS %I.%I SET TABLESPACE %I', n.nspname, i.relname, coalesce(s.spcname, 'pg_default')),
             'drop', format('ALTER INDEX IF EXISTS %I.%I SET TABLESPACE pg_default', n.nspname, i.relname),
             'partition', format('TABLE %s', c.identity)]
  FROM pg_class i
  JOIN pg_inherits h ON h.inhrelid = i.oid
  JOIN pg_class p ON p.oid = h.inhparent
  JOIN pg_index x ON x.indexrelid = i.oid
  JOIN named c ON c.oid = x.indrelid
  JOIN pg_namespace n ON n.oid = i.relnamespace
  CROSS JOIN LATERAL (SELECT pg_partition_root(i.oid)::oid AS root) r
  LEFT JOIN pg_constraint k ON k.conindid = r.root AND k.contype IN ('p', 'u', 'x')
  LEFT JOIN pg_tablespace s ON s.oid = i.reltablespace
 WHERE i.relkind IN ('i', 'I')
   AND i.relispartition
   AND (i.reltablespace <> 0 OR p.reltablespace <> 0)
 UNION ALL
SELECT 0,
       0,
       0,
       'index_name',
       n.nspname::text,
       format('NAME OF INDEX %I.%I OF PARTITION %s', rn.nspname, ri.relname, c.identity),
       NULL,
       CASE WHEN k.oid IS NULL THEN 'pg_class'::regclass::int8 ELSE 'pg_constraint'::regclass::int8 END,
       coalesce(k.oid, r.root)::int8,
       0,
       ARRAY['index_name', i.relname::text,
             'index_address', format('INDEX %I.%I', n.nspname, i.relname),
             'partition', format('TABLE %s', c.identity),
             'given', CASE WHEN NOT starts_with(i.relname, left(c.relname, 20)) THEN 'yes' END,
             'made_name', CASE WHEN octet_length(m.name) < 64 THEN m.name END]
  FROM pg_class i
  JOIN pg_inherits h ON h.inhrelid = i.oid
  JOIN pg_index x ON x.indexrelid = i.oid
  JOIN named c ON c.oid = x.indrelid
  JOIN pg_namespace n ON n.oid = i.relnamespace
  CROSS JOIN LATERAL (SELECT pg_partition_root(i.oid)::oid AS root) r
  JOIN pg_class ri ON ri.oid = r.root
  JOIN pg_namespace rn ON rn.oid = ri.relnamespace
  LEFT JOIN pg_constraint k ON k.conindid = r.root AND k.contype IN ('p', 'u', 'x')
  CROSS JOIN LATERAL (
    SELECT concat_ws('_', c.relname, CASE WHEN NOT x.indisprimary THEN string_agg(a.attname, '_' ORDER BY a.attnum) END,
                     CASE WHEN x.indisprimary THEN 'pkey'
                          WHEN x.indisexclusion THEN 'excl'
                          WHEN k.oid IS NOT NULL THEN 'key'
                          ELSE 'idx' END) AS name
      FROM pg_attribute a
     WHERE a.attrelid = r.root
       AND a.attnum > 0) m
 WHERE i.relkind IN ('i', 'I')
   AND i.relispartition
