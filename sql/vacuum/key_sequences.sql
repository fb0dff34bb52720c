-- summary: sequences that can run out, where they stand, and the column that they feed, the narrowest where there are several
-- kind: read
-- server: 15-18
-- note: up to :most of them in the order of their numbers, behind :after: each that is read stays locked, lightly, to the end.
-- note: bottom and top are the narrower of the sequence's limits and the column's type's. One that begins anew at its end
-- note: runs out only where the column is narrower. value is null where it was never asked, or may not be read.
-- param after integer as oid
-- param most integer
-- column id integer
-- column schema text
-- column sequence text
-- column type text
-- column value integer null
-- column may_read boolean
-- column start integer
-- column increment integer
-- column lowest integer
-- column highest integer
-- column bottom integer
-- column top integer
-- column has_own_limit boolean
-- column table_schema text null
-- column table_name text null
-- column table_pages integer null
-- column column_name text null
-- column column_type text null
SELECT k.id::int8 AS id,
       k.schema::text AS schema,
       k.sequence::text AS sequence,
       k.type,
       CASE WHEN k.may_read THEN pg_sequence_last_value(k.id) END AS value,
       k.may_read,
       k.seqstart AS start,
       k.seqincrement AS increment,
       k.seqmin AS lowest,
       k.seqmax AS highest,
       greatest(k.seqmin, k.column_min) AS bottom,
       least(k.seqmax, k.column_max) AS top,
       CASE WHEN k.seqincrement > 0 THEN k.seqmax < k.type_max ELSE k.seqmin > -k.type_max - 1 END AS has_own_limit,
       k.table_schema::text AS table_schema,
       k.table_name::text AS table_name,
       k.table_pages::int8 AS table_pages,
       k.column_name::text AS column_name,
       format_type(k.column_type, NULL) AS column_type
  FROM (SELECT c.oid AS id,
               n.nspname AS schema,
               c.relname AS sequence,
               format_type(q.seqtypid, NULL) AS type,
               coalesce(has_sequence_privilege(c.oid, 'USAGE, SELECT'), false)
                   AND NOT (c.relpersistence = 'u' AND pg_is_in_recovery()) AS may_read,
               q.seqstart, q.seqincrement, q.seqmin, q.seqmax,
               CASE q.seqtypid WHEN 'int2'::regtype THEN 32767 WHEN 'int4'::regtype THEN 2147483647
                               ELSE 9223372036854775807 END AS type_max,
               f.table_schema, f.table_name, f.table_pages, f.column_name, f.column_type, f.column_min, f.column_max
          FROM pg_sequence q
          JOIN pg_class c ON c.oid = q.seqrelid
          JOIN pg_namespace n ON n.oid = c.relnamespace
          LEFT JOIN LATERAL (
               SELECT u.nspname AS table_schema,
                      t.relname AS table_name,
                      t.relpages AS table_pages,
                      a.attname AS column_name,
                      a.atttypid AS column_type,
                      (-(2::numeric ^ (8 * a.attlen - 1)))::int8 AS column_min,
                      (2::numeric ^ (8 * a.attlen - 1) - 1)::int8 AS column_max
                 FROM (SELECT d.refobjid AS relation, d.refobjsubid AS number
                         FROM pg_depend d
                        WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype IN ('a', 'i')
                          AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0
                        UNION ALL
                       SELECT e.adrelid, e.adnum
                         FROM pg_depend d
                         JOIN pg_attrdef e ON e.oid = d.objid
                        WHERE d.classid = 'pg_attrdef'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid) o
                 JOIN pg_attribute a ON a.attrelid = o.relation AND a.attnum = o.number
                 JOIN pg_class t ON t.oid = o.relation
                 JOIN pg_namespace u ON u.oid = t.relnamespace
                WHERE a.atttypid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype)
                ORDER BY a.attlen, t.relispartition, t.oid
                LIMIT 1) f ON true
         WHERE c.oid > :after
           AND c.relpersistence <> 't'
           AND n.nspname <> 'information_schema' AND n.nspname !~ '^(pg_(catalog|toast)|lbops_)'
           AND CASE WHEN q.seqincrement > 0
                    THEN least(q.seqmax, f.column_max) < 9223372036854775807 AND NOT (q.seqcycle AND q.seqmax <= coalesce(f.column_max, q.seqmax))
                    ELSE greatest(q.seqmin, f.column_min) > -9223372036854775808 AND NOT (q.seqcycle AND q.seqmin >= coalesce(f.column_min, q.seqmin))
               END
         ORDER BY c.oid
         LIMIT :most) k
 ORDER BY k.id
