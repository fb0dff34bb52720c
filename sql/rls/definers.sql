-- summary: functions that tenants may call and that read tables by the rights of somebody whom no policy holds
-- kind: read
-- server: 15-18
-- note: which tables a function reads the server knows where its body is no text; else the table's name in it says so.
-- note: parts of a table, and views over it in every layer, are read as it is.
-- note: whom policies hold sees nothing by such a function, the tables' owner too, as row security is forced on them.
-- param tables integer[]
-- param roles text[]
-- param operators text[]
-- column routine text
-- column owner text
-- column over text
-- column callers text
WITH RECURSIVE reached AS (
  SELECT c.oid AS id, c.oid AS over FROM pg_class c WHERE c.oid = ANY (:tables)
  UNION
  SELECT n.id, r.over
    FROM reached r
   CROSS JOIN LATERAL (SELECT i.inhrelid AS id FROM pg_inherits i WHERE i.inhparent = r.id
                       UNION ALL
                       SELECT v.oid
                         FROM pg_depend d
                         JOIN pg_rewrite w ON w.oid = d.objid
                         JOIN pg_class v ON v.oid = w.ev_class AND v.relkind IN ('v', 'm')
                        WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = r.id) n
), routines AS (
  SELECT f.oid, f.pronamespace, f.proname, o.rolname, min(r.over::regclass::text) AS over
    FROM pg_proc f
    JOIN pg_roles o ON o.oid = f.proowner
   CROSS JOIN reached r
    JOIN pg_class t ON t.oid = r.id
     AND (f.oid IN (SELECT d.objid FROM pg_depend d
                     WHERE d.classid = 'pg_proc'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = t.oid)
          OR f.prosrc ~* ('(^|\W)' || regexp_replace(t.relname, '(\W)', '\\\1', 'g') || '(\W|$)'))
   WHERE f.prosecdef
     AND (o.rolsuper
          OR o.rolbypassrls
          OR EXISTS (SELECT FROM pg_roles g WHERE g.rolname = ANY (:operators) AND pg_has_role(o.oid, g.oid, 'USAGE')))
     AND f.oid NOT IN (SELECT e.objid FROM pg_depend e WHERE e.classid = 'pg_proc'::regclass AND e.deptype = 'e')
   GROUP BY f.oid, f.pronamespace, f.proname, o.rolname
)
SELECT format('%I.%I(%s)', n.nspname, r.proname, pg_get_function_identity_arguments(r.oid)) AS routine,
       r.rolname::text AS owner,
       r.over,
       c.callers
  FROM routines r
  JOIN pg_namespace n ON n.oid = r.pronamespace
 CROSS JOIN LATERAL (SELECT string_agg(g.rolname::text, ', ' ORDER BY g.rolname) AS callers
                       FROM pg_roles g
                      WHERE g.rolname = ANY (:roles)
                        AND has_function_privilege(g.oid, r.oid, 'EXECUTE')
                        AND has_schema_privilege(g.oid, n.oid, 'USAGE')) c
 WHERE c.callers IS NOT NULL
   AND n.nspname NOT IN ('pg_catalog', 'information_schema')
 ORDER BY 1
