-- summary: columns as objects of the model
-- kind: read
-- server: 15-18
-- note: since is the number of the transaction that made the column or last changed it, with the epoch before it
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
SELECT 'pg_class'::regclass::int8 AS catalog,
       c.oid::int8 AS object,
       a.attnum::int8 AS part,
       CASE WHEN c.relkind IN ('v', 'm') THEN 'view_column' ELSE 'column' END AS kind,
       n.nspname::text AS schema,
       format('COLUMN %I.%I.%I', n.nspname, c.relname, a.attname) AS address,
       a.attname::text AS name,
       'pg_class'::regclass::int8 AS up_catalog,
       c.oid::int8 AS up_object,
       0::int8 AS up_part,
       CASE WHEN c.relkind IN ('v', 'm')
       THEN ARRAY['default_value', pg_get_expr(d.adbin, d.adrelid),
                  'statistics', CASE WHEN a.attstattarget >= 0 AND c.relkind = 'm' THEN a.attstattarget::text END]
       ELSE ARRAY['type', format_type(a.atttypid, a.atttypmod),
                  'collation', ' COLLATE ' || CASE WHEN a.attcollation <> t.typcollation THEN a.attcollation::regcollation::text END,
                  'not_null', CASE WHEN a.attnotnull THEN 'NOT NULL' END,
                  'default_value', CASE WHEN a.attgenerated = '' THEN pg_get_expr(d.adbin, d.adrelid) END,
                  'generated', CASE WHEN a.attgenerated <> '' THEN pg_get_expr(d.adbin, d.adrelid) END,
                  'identity', CASE a.attidentity WHEN 'a' THEN 'ALWAYS' WHEN 'd' THEN 'BY DEFAULT' END,
                  'identity_options', i.options,
                  'identity_set', i.changes,
                  'storage', CASE WHEN a.attstorage <> t.typstorage
                                  THEN CASE a.attstorage WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL' WHEN 'm' THEN 'MAIN'
                                                         ELSE 'EXTENDED' END END,
                  'usual_storage', CASE t.typstorage WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL' WHEN 'm' THEN 'MAIN'
                                                     ELSE 'EXTENDED' END,
                  'compression', CASE a.attcompression WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4' END,
                  'statistics', CASE WHEN a.attstattarget >= 0 THEN a.attstattarget::text END,
                  'inherited', CASE WHEN a.attinhcount > 0 THEN 'yes' END,
                  'inherited_only', CASE WHEN a.attinhcount > 0 AND NOT a.attislocal OR c.relispartition OR c.reloftype <> 0
                                         THEN 'yes' END,
                  'cast', format('%I::%s', a.attname, format_type(a.atttypid, a.atttypmod)),
                  'since', (next.xid - ((next.xid - a.xmin::text::int8) & 4294967295))::text,
                  'text_type', CASE WHEN t.typcategory = 'A' THEN 'text[]' ELSE 'text' END,
                  'as_text', format('%I::text%s', a.attname, CASE WHEN t.typcategory = 'A' THEN '[]' END),
                  'recast', format('%I::text%s::%s', a.attname, CASE WHEN t.typcategory = 'A' THEN '[]' END,
                                   format_type(a.atttypid, a.atttypmod)),
                  'create', concat(format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod)),
                                   ' COLLATE ' || CASE WHEN a.attcollation <> t.typcollation THEN a.attcollation::regcollation::text END,
                                   ' GENERATED ALWAYS AS (' || CASE WHEN a.attgenerated <> '' THEN pg_get_expr(d.adbin, d.adrelid) END || ') STORED',
                                   ' GENERATED ' || CASE a.attidentity WHEN 'a' THEN 'ALWAYS' WHEN 'd' THEN 'BY DEFAULT' END
                                       || ' AS IDENTITY (' || i.options || ')',
                                   CASE WHEN a.attnotnull THEN ' NOT NULL' END)]
       END AS attrs
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_attribute a ON a.attrelid = c.oid
  JOIN pg_type t ON t.oid = a.atttypid
  CROSS JOIN (SELECT pg_snapshot_xmax(pg_current_snapshot())::text::int8 AS xid) next
  LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
  LEFT JOIN LATERAL (
      SELECT format('START WITH %s INCREMENT BY %s MINVALUE %s MAXVALUE %s CACHE %s %s', s.seqstart, s.seqincrement, s.seqmin,
                    s.seqmax, s.seqcache, CASE WHEN s.seqcycle THEN 'CYCLE' ELSE 'NO CYCLE' END) AS options,
             format('SET START WITH %s SET INCREMENT BY %s SET MINVALUE %s SET MAXVALUE %s SET CACHE %s SET %s', s.seqstart,
                    s.seqincrement, s.seqmin, s.seqmax, s.seqcache,
                    CASE WHEN s.seqcycle THEN 'CYCLE' ELSE 'NO CYCLE' END) AS changes
        FROM pg_depend o
        JOIN pg_sequence s ON s.seqrelid = o.objid
       WHERE o.refclassid = 'pg_class'::regclass
         AND o.refobjid = c.oid
         AND o.refobjsubid = a.attnum
         AND o.deptype = 'i'
  ) i ON a.attidentity <> ''
 WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm')
   AND c.relpersistence <> 't'
   AND a.attnum > 0
   AND NOT a.attisdropped
   AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
   AND c.oid NOT IN (SELECT objid FROM pg_depend WHERE classid = 'pg_class'::regclass AND deptype = 'e')
 ORDER BY c.oid, a.attnum
