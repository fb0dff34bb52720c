-- summary: the tables that named objects hold, each with whatever rests on it
-- kind: fragment
-- server: 15-18
-- note: partitions and children come with their parent, and the tables of a schema with the schema.
-- note: a function is known by what the server has noted, and where its body is a text by the table's name in it.
-- note: bodies are taken apart once; where even that takes too long it can be left out, which is then said.
-- example: SELECT u.schema FROM (:fragment) u
-- param schemas text[]
-- param names text[]
-- param whole text[]
-- param functions boolean
WITH RECURSIVE held AS (
  SELECT c.* FROM pg_catalog.pg_class c
   WHERE c.oid IN (SELECT to_regclass(concat(quote_ident(nullif(a.schema, '')) || '.', quote_ident(a.name)))
                     FROM unnest(:schemas::text[], :names::text[]) AS a (schema, name))
      OR c.relnamespace IN (SELECT n.oid FROM pg_catalog.pg_namespace n WHERE n.nspname = ANY (:whole))
  UNION
  SELECT c.* FROM held h JOIN pg_catalog.pg_inherits i ON i.inhparent = h.oid JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid
), views AS (
  SELECT h.oid, h.oid AS via FROM held h
  UNION
  SELECT v.oid, w.ev_class
    FROM views v
    JOIN pg_catalog.pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = v.via
    JOIN pg_catalog.pg_rewrite w ON w.oid = d.objid
), bodies AS MATERIALIZED (
  SELECT f.oid, lower(f.prosrc) AS body
    FROM pg_catalog.pg_proc f
   WHERE :functions::boolean AND f.pronamespace <> ALL ('{pg_catalog,information_schema}'::regnamespace[])
     AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e WHERE e.classid = 'pg_proc'::regclass AND e.objid = f.oid AND e.deptype = 'e')
), words AS (
  SELECT DISTINCT b.oid, w.word FROM bodies b CROSS JOIN regexp_split_to_table(b.body, '\W+') w (word)
), callers AS (
  SELECT h.oid, d.objid AS caller
    FROM held h
    JOIN pg_catalog.pg_depend d ON d.classid = 'pg_proc'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = h.oid
   WHERE :functions::boolean
  UNION
  SELECT h.oid, d.objid
    FROM held h
    JOIN pg_catalog.pg_depend d ON d.classid = 'pg_proc'::regclass AND d.refclassid = 'pg_type'::regclass AND d.refobjid = h.reltype
   WHERE :functions::boolean
  UNION
  SELECT h.oid, w.oid FROM held h JOIN words w ON w.word = lower(h.relname)
  UNION
  SELECT h.oid, b.oid
    FROM held h
    JOIN bodies b ON strpos(b.body, lower(h.relname)) > 0
     AND b.body ~ ('(^|\W)' || regexp_replace(lower(h.relname), '(\W)', '\\\1', 'g') || '(\W|$)')
   WHERE h.relname ~ '\W'
), users AS (
  SELECT v.oid, format('view %s.%I', c.relnamespace::regnamespace, c.relname) AS what
    FROM views v JOIN pg_catalog.pg_class c ON c.oid = v.via WHERE v.via <> v.oid
  UNION
  SELECT h.oid, format('foreign key %I of %s.%I', k.conname, c.relnamespace::regnamespace, c.relname)
    FROM held h
    JOIN pg_catalog.pg_constraint k ON k.confrelid = h.oid AND k.contype = 'f' AND k.conparentid = 0 AND k.conrelid <> h.oid
    JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
  UNION
  SELECT h.oid, format('policy %I on %s.%I', y.polname, c.relnamespace::regnamespace, c.relname)
    FROM held h
    JOIN pg_catalog.pg_depend d ON d.classid = 'pg_policy'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = h.oid
    JOIN pg_catalog.pg_policy y ON y.oid = d.objid
    JOIN pg_catalog.pg_class c ON c.oid = y.polrelid
  UNION
  SELECT h.oid, format('publication %I', p.pubname)
    FROM held h
    JOIN pg_catalog.pg_publication p
      ON (p.puballtables AND h.relkind = 'r' AND h.relpersistence = 'p')
      OR p.oid IN (SELECT l.prpubid FROM pg_catalog.pg_publication_rel l WHERE l.prrelid = h.oid)
      OR p.oid IN (SELECT s.pnpubid FROM pg_catalog.pg_publication_namespace s WHERE s.pnnspid = h.relnamespace)
  UNION
  SELECT h.oid, format('function %s.%I(%s)', f.pronamespace::regnamespace, f.proname, pg_get_function_identity_arguments(f.oid))
    FROM callers h JOIN pg_catalog.pg_proc f ON f.oid = h.caller
  UNION
  SELECT h.oid, 'functions, which are not known: to look for them took too long' FROM held h WHERE NOT :functions::boolean
)
SELECT h.oid, n.nspname::text AS schema, h.relname::text AS name, u.what
  FROM held h JOIN pg_catalog.pg_namespace n ON n.oid = h.relnamespace LEFT JOIN users u ON u.oid = h.oid
 WHERE h.relkind IN ('r', 'p', 'm', 'f')
