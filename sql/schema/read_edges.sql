-- summary: what depends on what, between the objects of the model
-- kind: read
-- server: 15-18
-- note: of the same columns as the objects: what is needed stands where an object has its whole, and how in its name
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
WITH types AS (
    SELECT t.oid,
           CASE WHEN c.relkind <> 'c' THEN t.typrelid ELSE 0 END AS rowtype,
           CASE WHEN t.typelem <> 0 AND t.typcategory = 'A' THEN t.typelem ELSE coalesce(r.rngtypid, 0) END AS element
      FROM pg_type t
      LEFT JOIN pg_class c ON c.oid = t.typrelid
      LEFT JOIN pg_range r ON r.rngmultitypid = t.oid
), arrays AS (
    SELECT t.oid, CASE WHEN e.rowtype <> 0 THEN e.rowtype ELSE t.rowtype END AS rowtype, t.element
      FROM types t
      LEFT JOIN types e ON e.oid = t.element
), keys AS (
    SELECT k.oid, k.conindid
      FROM pg_constraint k
     WHERE k.contype IN ('p', 'u', 'x')
       AND k.conindid <> 0
), composites AS (
    SELECT c.oid, 'pg_type'::regclass::int8 AS catalog, c.reltype AS object
      FROM pg_class c
     WHERE c.relkind = 'c'
), edges AS (
    SELECT
           CASE WHEN dw.ev_class IS NOT NULL OR da.adrelid IS NOT NULL OR dt.rowtype <> 0 THEN 'pg_class'::regclass::int8
                WHEN dk.oid IS NOT NULL THEN 'pg_constraint'::regclass::int8
                ELSE coalesce(dc.catalog, d.classid::int8) END AS catalog,
           coalesce(dw.ev_class, da.adrelid, nullif(dt.rowtype, 0), nullif(dt.element, 0), dk.oid, dc.object, d.objid)::int8 AS object,
           CASE WHEN da.adrelid IS NOT NULL THEN da.adnum::int8
                WHEN dw.ev_class IS NOT NULL OR dt.rowtype <> 0 OR dc.catalog IS NOT NULL THEN 0
                ELSE d.objsubid::int8 END AS part,
           CASE WHEN rw.ev_class IS NOT NULL OR ra.adrelid IS NOT NULL OR rt.rowtype <> 0 THEN 'pg_class'::regclass::int8
                WHEN rk.oid IS NOT NULL THEN 'pg_constraint'::regclass::int8
                ELSE coalesce(rc.catalog, d.refclassid::int8) END AS on_catalog,
           coalesce(rw.ev_class, ra.adrelid, nullif(rt.rowtype, 0), nullif(rt.element, 0), rk.oid, rc.object, d.refobjid)::int8 AS on_object,
           CASE WHEN ra.adrelid IS NOT NULL THEN ra.adnum::int8
                WHEN rw.ev_class IS NOT NULL OR rt.rowtype <> 0 OR rc.catalog IS NOT NULL THEN 0
                ELSE d.refobjsubid::int8 END AS on_part,
           CASE WHEN da.adrelid IS NOT NULL AND a.attgenerated = '' THEN 'default' END AS via
      FROM pg_depend d
      LEFT JOIN pg_rewrite dw ON d.classid = 'pg_rewrite'::regclass AND dw.oid = d.objid AND dw.rulename = '_RETURN'
      LEFT JOIN pg_attrdef da ON d.classid = 'pg_attrdef'::regclass AND da.oid = d.objid
      LEFT JOIN arrays dt ON d.classid = 'pg_type'::regclass AND dt.oid = d.objid
      LEFT JOIN keys dk ON d.classid = 'pg_class'::regclass AND dk.conindid = d.objid
      LEFT JOIN composites dc ON d.classid = 'pg_class'::regclass AND dc.oid = d.objid
      LEFT JOIN pg_rewrite rw ON d.refclassid = 'pg_rewrite'::regclass AND rw.oid = d.refobjid AND rw.rulename = '_RETURN'
      LEFT JOIN pg_attrdef ra ON d.refclassid = 'pg_attrdef'::regclass AND ra.oid = d.refobjid
      LEFT JOIN arrays rt ON d.refclassid = 'pg_type'::regclass AND rt.oid = d.refobjid
      LEFT JOIN keys rk ON d.refclassid = 'pg_class'::regclass AND rk.conindid = d.refobjid
      LEFT JOIN composites rc ON d.refclassid = 'pg_class'::regclass AND rc.oid = d.refobjid
      LEFT JOIN pg_attribute a ON a.attrelid = da.adrelid AND a.attnum = da.adnum
     WHERE d.objid >= 16384
       AND d.deptype IN ('n', 'a', 'i', 'P', 'S')
       AND (d.refobjid >= 16384 OR d.refclassid = 'pg_namespace'::regclass)
)
SELECT DISTINCT e.catalog AS catalog,
       e.object AS object,
       e.part AS part,
       'edge' AS kind,
       NULL::text AS schema,
       '' AS address,
       e.via AS name,
       e.on_catalog AS up_catalog,
       e.on_object AS up_object,
       e.on_part AS up_part,
       '{}'::text[] AS attrs
  FROM edges e
 WHERE (e.catalog, e.object, e.part) <> (e.on_catalog, e.on_object, e.on_part)
