-- summary: what keeps the server from changing the type of a table's columns, and the keys that refer to them
-- kind: read
-- server: 15-18
-- note: name is what a DROP calls it by, without quotes, and empty where there is none: a generated column, a publication.
-- note: a function is among them where the server keeps its body as a tree.
-- param schema text
-- param table text
-- param columns text[]
-- column column_name text
-- column what text
-- column name text
-- column refers boolean
WITH columns AS (
  SELECT a.attrelid AS id, a.attnum AS number, a.attname::text AS name
    FROM pg_attribute a
   WHERE a.attrelid = to_regclass(CASE WHEN :schema <> '' THEN quote_ident(:schema) || '.' ELSE '' END || quote_ident(:table))::oid
     AND a.attname = ANY (:columns)
     AND NOT a.attisdropped
)
SELECT c.name AS column_name,
       pg_describe_object(d.classid, d.objid, 0) AS what,
       concat(coalesce(t.relnamespace, f.pronamespace)::regnamespace::text || '.', coalesce(t.relname, f.proname),
              '.' || coalesce(y.polname, g.tgname)) AS name,
       false AS refers
  FROM columns c
  JOIN pg_depend d
    ON d.refclassid = 'pg_class'::regclass AND d.refobjid = c.id AND d.refobjsubid = c.number
  LEFT JOIN pg_rewrite w ON d.classid = 'pg_rewrite'::regclass AND w.oid = d.objid
  LEFT JOIN pg_policy y ON d.classid = 'pg_policy'::regclass AND y.oid = d.objid
  LEFT JOIN pg_trigger g ON d.classid = 'pg_trigger'::regclass AND g.oid = d.objid
  LEFT JOIN pg_proc f ON d.classid = 'pg_proc'::regclass AND f.oid = d.objid
  LEFT JOIN pg_attrdef e ON d.classid = 'pg_attrdef'::regclass AND e.oid = d.objid AND (e.adrelid <> c.id OR e.adnum <> c.number)
  LEFT JOIN pg_class t ON t.oid = coalesce(w.ev_class, y.polrelid, g.tgrelid)
 WHERE d.classid IN ('pg_rewrite'::regclass, 'pg_policy'::regclass, 'pg_trigger'::regclass, 'pg_publication_rel'::regclass,
                     'pg_proc'::regclass)
    OR e.oid IS NOT NULL
UNION
SELECT c.name, format('foreign key %I of %s', k.conname, k.conrelid::regclass),
       concat(t.relnamespace::regnamespace, '.', t.relname, '.', k.conname), true
  FROM columns c
  JOIN pg_constraint k
    ON k.confrelid = c.id AND k.contype = 'f' AND c.number = ANY (k.confkey) AND k.conparentid = 0 AND k.conrelid <> c.id
  JOIN pg_class t ON t.oid = k.conrelid
 ORDER BY 1, 2
