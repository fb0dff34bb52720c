-- summary: triggers, rules, policies and event triggers as objects of the model
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
WITH tables AS (
    SELECT c.oid,
           c.relispartition,
           n.nspname,
           format('%I.%I', n.nspname, c.relname) AS identity
      FROM pg_class c
      JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm')
       AND c.relpersistence <> 't'
       AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
       AND c.oid NOT IN (SELECT objid FROM pg_depend WHERE classid = 'pg_class'::regclass AND deptype = 'e')
)
SELECT 'pg_trigger'::regclass::int8 AS catalog,
       g.oid::int8 AS object,
       0::int8 AS part,
       'trigger' AS kind,
       t.nspname::text AS schema,
       format('TRIGGER %I ON %s', g.tgname, t.identity) AS address,
       g.tgname::text AS name,
       'pg_class'::regclass::int8 AS up_catalog,
       t.oid::int8 AS up_object,
       0::int8 AS up_part,
       ARRAY['definition', pg_get_triggerdef(g.oid),
             'enabled', CASE g.tgenabled WHEN 'D' THEN 'DISABLE' WHEN 'R' THEN 'ENABLE REPLICA' WHEN 'A' THEN 'ENABLE ALWAYS' END] AS attrs
  FROM pg_trigger g
  JOIN tables t ON t.oid = g.tgrelid
 WHERE NOT g.tgisinternal
   AND g.tgparentid = 0
 UNION ALL
SELECT 'pg_rewrite'::regclass::int8,
       r.oid::int8,
       0,
       'rule',
       t.nspname::text,
       format('RULE %I ON %s', r.rulename, t.identity),
       r.rulename::text,
       'pg_class'::regclass::int8,
       t.oid::int8,
       0,
       ARRAY['definition', rtrim(pg_get_ruledef(r.oid), ';'),
             'enabled', CASE r.ev_enabled WHEN 'D' THEN 'DISABLE' WHEN 'R' THEN 'ENABLE REPLICA' WHEN 'A' THEN 'ENABLE ALWAYS' END]
  FROM pg_rewrite r
  JOIN tables t ON t.oid = r.ev_class
 WHERE r.rulename <> '_RETURN'
 UNION ALL
SELECT 'pg_policy'::regclass::int8,
       p.oid::int8,
       0,
       'policy',
       t.nspname::text,
       format('POLICY %I ON %s', p.polname, t.identity),
       p.polname::text,
       'pg_class'::regclass::int8,
       t.oid::int8,
       0,
       ARRAY['definition',
             concat(format('CREATE POLICY %I ON %s AS %s FOR %s TO %s', p.polname, t.identity,
                           CASE WHEN p.polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END,
                           CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE'
                                         ELSE 'ALL' END,
                           (SELECT string_agg(CASE WHEN u.role = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(u.role)) END, ', '
                                              ORDER BY u.role <> 0, pg_get_userbyid(u.role))
                              FROM unnest(p.polroles) AS u(role))),
                    ' USING (' || pg_get_expr(p.polqual, p.polrelid) || ')',
                    ' WITH CHECK (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')')]
  FROM pg_policy p
  JOIN tables t ON t.oid = p.polrelid
 UNION ALL
SELECT 'pg_event_trigger'::regclass::int8,
       e.oid::int8,
       0,
       'event_trigger',
       NULL,
       format('EVENT TRIGGER %I', e.evtname),
       e.evtname::text,
       0,
       0,
       0,
       ARRAY['owner', quote_ident(pg_get_userbyid(e.evtowner)),
             'definition',
             concat(format('CREATE EVENT TRIGGER %I ON %s', e.evtname, e.evtevent),
                    ' WHEN TAG IN (' || (SELECT string_agg(quote_literal(g.tag), ', ' ORDER BY g.tag) FROM unnest(e.evttags) AS g(tag)) || ')',
                    format(' EXECUTE FUNCTION %I.%I()', n.nspname, f.proname)),
             'enabled', CASE e.evtenabled WHEN 'D' THEN 'DISABLE' WHEN 'R' THEN 'ENABLE REPLICA' WHEN 'A' THEN 'ENABLE ALWAYS' END]
  FROM pg_event_trigger e
  JOIN pg_proc f ON f.oid = e.evtfoid
  JOIN pg_namespace n ON n.oid = f.pronamespace
 WHERE e.oid NOT IN (SELECT objid FROM pg_depend WHERE classid = 'pg_event_trigger'::regclass AND deptype = 'e')
