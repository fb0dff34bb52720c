-- summary: primary keys of one narrow column that no sequence feeds, and of whose range statistics have seen a part used
-- kind: read
-- server: 15-18
-- note: what ANALYZE saw is cheap and old: who wants the largest value as it is asks the index. Partitions are their table's.
-- param least_share number
-- param most integer
-- column schema text
-- column name text
-- column column_name text
-- column type text
-- column pages integer
-- column highest integer
SELECT n.nspname::text AS schema,
       t.relname::text AS name,
       a.attname::text AS column_name,
       format_type(a.atttypid, NULL) AS type,
       t.relpages::int8 AS pages,
       CASE a.attlen WHEN 2 THEN 32767 ELSE 2147483647 END::int8 AS highest
  FROM pg_index i
  JOIN pg_class t ON t.oid = i.indrelid
  JOIN pg_namespace n ON n.oid = t.relnamespace
  JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = i.indkey[0]
  JOIN pg_stats s ON s.schemaname = n.nspname AND s.tablename = t.relname AND s.attname = a.attname
                 AND s.inherited = (t.relkind = 'p')
 CROSS JOIN LATERAL (SELECT max(b.bound) AS bound
                       FROM unnest(CASE WHEN a.atttypid IN ('int2'::regtype, 'int4'::regtype)
                                        THEN s.histogram_bounds::text::int8[] END) b (bound)) h
 WHERE i.indisprimary
   AND i.indisvalid
   AND i.indnkeyatts = 1
   AND a.atttypid IN ('int2'::regtype, 'int4'::regtype)
   AND t.relpersistence <> 't'
   AND NOT t.relispartition
   AND n.nspname <> 'information_schema' AND n.nspname !~ '^(pg_(catalog|toast)|lbops_)'
   AND h.bound >= :least_share * CASE a.attlen WHEN 2 THEN 32767 ELSE 2147483647 END
   AND NOT EXISTS (SELECT
                     FROM pg_depend d
                     JOIN pg_sequence q ON q.seqrelid = d.objid
                    WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass
                      AND d.refobjid = t.oid AND d.refobjsubid = a.attnum)
   AND NOT EXISTS (SELECT
                     FROM pg_attrdef e
                     JOIN pg_depend d ON d.classid = 'pg_attrdef'::regclass AND d.objid = e.oid
                                     AND d.refclassid = 'pg_class'::regclass
                     JOIN pg_sequence q ON q.seqrelid = d.refobjid
                    WHERE e.adrelid = t.oid AND e.adnum = a.attnum)
 ORDER BY h.bound DESC, schema, name
 LIMIT :most
