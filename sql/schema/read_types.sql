-- summary: enums, domains, composite and range types with their parts as objects of the model
-- kind: read
-- server: 15-18
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
    SELECT t.*,
           n.nspname,
           format('%I.%I', n.nspname, t.typname) AS identity,
           quote_ident(left('old_' || t.typname, 60)) AS aside_name,
           format('%s %I.%I', CASE t.typtype WHEN 'd' THEN 'DOMAIN' ELSE 'TYPE' END, n.nspname, left('old_' || t.typname, 60)) AS aside
      FROM pg_type t
      JOIN pg_namespace n ON n.oid = t.typnamespace
      LEFT JOIN pg_class c ON c.oid = t.typrelid
     WHERE (t.typtype IN ('e', 'd', 'r') OR (t.typtype = 'c' AND c.relkind = 'c'))
       AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
       AND t.oid NOT IN (SELECT objid FROM pg_depend WHERE classid = 'pg_type'::regclass AND deptype = 'e')
)
SELECT 'pg_type'::regclass::int8 AS catalog,
       t.oid::int8 AS object,
       0::int8 AS part,
       CASE t.typtype WHEN 'd' THEN 'domain' ELSE 'type' END AS kind,
       t.nspname::text AS schema,
       CASE t.typtype WHEN 'd' THEN 'DOMAIN ' ELSE 'TYPE ' END || t.identity AS address,
       t.typname::text AS name,
       0::int8 AS up_catalog,
       0::int8 AS up_object,
       0::int8 AS up_part,
       CASE t.typtype
       WHEN 'd'
       THEN ARRAY['owner', quote_ident(pg_get_userbyid(t.typowner)),
                  'aside', t.aside,
                  'aside_name', t.aside_name,
                  'base', format_type(t.typbasetype, t.typtypmod),
                  'collation', CASE WHEN t.typcollation <> b.typcollation THEN t.typcollation::regcollation::text END,
                  'default_value', t.typdefault,
                  'not_null', CASE WHEN t.typnotnull THEN 'NOT NULL' END,
                  'create', concat(format('CREATE DOMAIN %s AS %s', t.identity, format_type(t.typbasetype, t.typtypmod)),
                                   ' COLLATE ' || CASE WHEN t.typcollation <> b.typcollation THEN t.typcollation::regcollation::text END,
                                   ' DEFAULT ' || t.typdefault,
                                   CASE WHEN t.typnotnull THEN ' NOT NULL' END)]
       WHEN 'e'
       THEN ARRAY['owner', quote_ident(pg_get_userbyid(t.typowner)),
                  'aside', t.aside,
                  'aside_name', t.aside_name,
                  'variety', 'enum',
                  'create', format('CREATE TYPE %s AS ENUM (%s)', t.identity,
                                   (SELECT string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder)
                                      FROM pg_enum e
                                     WHERE e.enumtypid = t.oid))]
       WHEN 'c'
       THEN ARRAY['owner', quote_ident(pg_get_userbyid(t.typowner)),
                  'aside', t.aside,
                  'aside_name', t.aside_name,
                  'variety', 'composite',
                  'create', format('CREATE TYPE %s AS (%s)', t.identity,
                                   (SELECT string_agg(concat(format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod)),
                                                             ' COLLATE ' || CASE WHEN a.attcollation <> u.typcollation
                                                                                 THEN a.attcollation::regcollation::text END),
                                                      ', ' ORDER BY a.attnum)
                                      FROM pg_attribute a
                                      JOIN pg_type u ON u.oid = a.atttypid
                                     WHERE a.attrelid = t.typrelid
                                       AND a.attnum > 0
                                       AND NOT a.attisdropped))]
       ELSE ARRAY['owner', quote_ident(pg_get_userbyid(t.typowner)),
                  'aside', t.aside,
                  'aside_name', t.aside_name,
                  'variety', 'range',
                  'definition', concat(format('CREATE TYPE %s AS RANGE (SUBTYPE = %s', t.identity, format_type(r.rngsubtype, NULL)),
                                   (SELECT format(', SUBTYPE_OPCLASS = %I.%I', on_.nspname, o.opcname)
                                      FROM pg_opclass o
                                      JOIN pg_namespace on_ ON on_.oid = o.opcnamespace
                                     WHERE o.oid = r.rngsubopc AND NOT o.opcdefault),
                                   ', COLLATION = ' || CASE WHEN r.rngcollation <> b.typcollation THEN r.rngcollation::regcollation::text END,
                                   ', CANONICAL = ' || nullif(r.rngcanonical, 0)::regproc,
                                   ', SUBTYPE_DIFF = ' || nullif(r.rngsubdiff, 0)::regproc,
                                   format(', MULTIRANGE_TYPE_NAME = %I.%I', t.nspname, m.typname), ')')]
       END AS attrs
  FROM named t
  LEFT JOIN pg_range r ON r.rngtypid = t.oid
  LEFT JOIN pg_type m ON m.oid = r.rngmultitypid
  LEFT JOIN pg_type b ON b.oid = coalesce(r.rngsubtype, t.typbasetype)
 UNION ALL
SELECT 'pg_enum'::regclass::int8,
       l.oid::int8,
       l.place,
       'enum_label',
       t.nspname::text,
       format('LABEL %L OF %s', l.enumlabel, t.identity),
       l.enumlabel::text,
       'pg_type'::regclass::int8,
       t.oid::int8,
       0,
       ARRAY['create', concat(format('ALTER TYPE %s ADD VALUE %L', t.identity, l.enumlabel),
                              CASE WHEN l.before IS NOT NULL THEN ' AFTER ' || quote_literal(l.before)
                                   ELSE ' BEFORE ' || quote_literal(l.after) END)]
  FROM named t
  JOIN (SELECT e.*,
               row_number() OVER w AS place,
               lag(e.enumlabel) OVER w AS before,
               lead(e.enumlabel) OVER w AS after
          FROM pg_enum e
        WINDOW w AS (PARTITION BY e.enumtypid ORDER BY e.enumsortorder)) l ON l.enumtypid = t.oid
 UNION ALL
SELECT 'pg_class'::regclass::int8,
       t.typrelid::int8,
       a.attnum::int8,
       'attribute',
       t.nspname::text,
       format('COLUMN %s.%I', t.identity, a.attname),
       a.attname::text,
       'pg_type'::regclass::int8,
       t.oid::int8,
       0,
       ARRAY['type', concat(format_type(a.atttypid, a.atttypmod),
                            ' COLLATE ' || CASE WHEN a.attcollation <> b.typcollation THEN a.attcollation::regcollation::text END),
             'create', concat(format('ALTER TYPE %s ADD ATTRIBUTE %I %s', t.identity, a.attname, format_type(a.atttypid, a.atttypmod)),
                              ' COLLATE ' || CASE WHEN a.attcollation <> b.typcollation THEN a.attcollation::regcollation::text END,
                              ' CASCADE'),
             'drop', format('ALTER TYPE %s DROP ATTRIBUTE %I CASCADE', t.identity, a.attname)]
  FROM named t
  JOIN pg_attribute a ON a.attrelid = t.typrelid
  JOIN pg_type b ON b.oid = a.atttypid
 WHERE t.typtype = 'c'
   AND a.attnum > 0
   AND NOT a.attisdropped
