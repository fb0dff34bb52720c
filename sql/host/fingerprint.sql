-- summary: how the named objects are defined, part by part: what an approval rests on
-- kind: read
-- server: 15-18
-- note: definitions, owners and permissions; nothing that grows or moves by itself. An object that does not exist gives no rows.
-- note: an index stands with what its table is: whether it may go, or what it is for, is decided by the other indexes, the columns and the constraints.
-- note: of a database's and a role's settings those stand here that the group names, or all where it names none, or RESET ALL: another one that is approved meanwhile changes nothing for them.
-- note: an empty schema means that the name is found by the search path, as the server would find it.
-- param kinds text[]
-- param schemas text[]
-- param names text[]
-- column kind text
-- column schema text
-- column name text
-- column part text
-- column value text
WITH asked AS (
  SELECT a.kind, a.schema, a.name,
         CASE WHEN a.schema = '' THEN quote_ident(a.name) ELSE quote_ident(a.schema) || '.' || quote_ident(a.name) END AS path
    FROM unnest(:kinds::text[], :schemas::text[], :names::text[]) AS a (kind, schema, name)
), told AS (
  SELECT s.setdatabase, s.setrole, string_agg(c, ', ' ORDER BY c) AS settings
    FROM pg_db_role_setting s
   CROSS JOIN LATERAL unnest(s.setconfig) c
   WHERE lower(split_part(c, '=', 1)) IN (SELECT lower(a.name) FROM asked a WHERE a.kind = 'setting')
      OR NOT EXISTS (SELECT FROM asked a WHERE a.kind = 'setting')
      OR EXISTS (SELECT FROM asked a WHERE a.kind = 'setting' AND a.name = 'all')
   GROUP BY s.setdatabase, s.setrole
), parts AS (
  SELECT a.kind, a.schema, a.name, p.part, p.value
    FROM asked a
    JOIN pg_class c ON c.oid = to_regclass(a.path)
   CROSS JOIN LATERAL (SELECT coalesce((SELECT x.indrelid FROM pg_index x WHERE x.indexrelid = c.oid), c.oid) AS id) own
   CROSS JOIN LATERAL (VALUES
           ('oid', c.oid::text),
           ('kind', c.relkind::text || c.relpersistence::text),
           ('owner', pg_get_userbyid(c.relowner)::text),
           ('schema', c.relnamespace::regnamespace::text),
           ('permissions', c.relacl::text),
           ('options', array_to_string(c.reloptions, ', ')),
           ('access method', (SELECT m.amname::text FROM pg_am m WHERE m.oid = c.relam)),
           ('tablespace', (SELECT t.spcname::text FROM pg_tablespace t WHERE t.oid = c.reltablespace)),
           ('replica identity', c.relreplident::text),
           ('row security', c.relrowsecurity::text || ', forced ' || c.relforcerowsecurity::text),
           ('partition of', (SELECT string_agg(i.inhparent::regclass::text, ', ' ORDER BY i.inhseqno)
                               FROM pg_inherits i WHERE i.inhrelid = c.oid)),
           ('partition bound', pg_get_expr(c.relpartbound, c.oid)),
           ('partition key', CASE WHEN c.relkind = 'p' THEN pg_get_partkeydef(c.oid) END),
           ('query', CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END),
           ('definition', CASE WHEN c.relkind IN ('i', 'I') THEN pg_get_indexdef(c.oid) END),
           ('index of', (SELECT x.indrelid::regclass::text || ', valid ' || x.indisvalid::text || ', ready ' || x.indisready::text
                                || CASE WHEN x.indisreplident THEN ', replica identity' ELSE '' END
                           FROM pg_index x WHERE x.indexrelid = c.oid)),
           ('sequence', (SELECT format('%s from %s by %s within %s and %s, cycle %s', q.seqtypid::regtype, q.seqstart,
                                       q.seqincrement, q.seqmin, q.seqmax, q.seqcycle)
                           FROM pg_sequence q WHERE q.seqrelid = c.oid)),
           ('columns', CASE WHEN c.relkind <> 'S' THEN
              (SELECT string_agg(concat_ws(' ', quote_ident(t.attname), format_type(t.atttypid, t.atttypmod),
                                           CASE WHEN t.attnotnull THEN 'NOT NULL' END,
                                           'DEFAULT ' || pg_get_expr(d.adbin, d.adrelid),
                                           'identity ' || nullif(t.attidentity::text, ''),
                                           'generated ' || nullif(t.attgenerated::text, ''),
                                           'permissions ' || t.attacl::text), E'\n' ORDER BY t.attnum)
                 FROM pg_attribute t
                 LEFT JOIN pg_attrdef d ON d.adrelid = t.attrelid AND d.adnum = t.attnum
                WHERE t.attrelid = own.id AND t.attnum > 0 AND NOT t.attisdropped) END),
           ('constraints', (SELECT string_agg(quote_ident(n.conname) || ' ' || pg_get_constraintdef(n.oid), E'\n' ORDER BY n.conname)
                              FROM pg_constraint n WHERE n.conrelid = own.id)),
           ('indexes', (SELECT string_agg(pg_get_indexdef(x.indexrelid) || CASE WHEN x.indisvalid THEN '' ELSE ' (invalid)' END,
                                          E'\n' ORDER BY x.indexrelid::regclass::text)
                          FROM pg_index x WHERE x.indrelid = own.id)),
           ('policies', (SELECT string_agg(format('%s %s %s to %s using %s check %s', quote_ident(y.polname), y.polcmd,
                                                  y.polpermissive, y.polroles::regrole[], pg_get_expr(y.polqual, y.polrelid),
                                                  pg_get_expr(y.polwithcheck, y.polrelid)), E'\n' ORDER BY y.polname)
                           FROM pg_policy y WHERE y.polrelid = c.oid)),
           ('triggers', (SELECT string_agg(pg_get_triggerdef(g.oid) || ' ' || g.tgenabled::text, E'\n' ORDER BY g.tgname)
                           FROM pg_trigger g WHERE g.tgrelid = c.oid AND NOT g.tgisinternal)),
           ('rules', (SELECT string_agg(pg_get_ruledef(w.oid), E'\n' ORDER BY w.rulename)
                        FROM pg_rewrite w WHERE w.ev_class = c.oid AND w.rulename <> '_RETURN')),
           ('referenced by', (SELECT string_agg(DISTINCT u.who, E'\n')
                                FROM (SELECT f.conrelid::regclass::text || '.' || quote_ident(f.conname) AS who
                                        FROM pg_constraint f WHERE f.confrelid = c.oid
                                      UNION ALL
                                      SELECT w.ev_class::regclass::text
                                        FROM pg_depend e
                                        JOIN pg_rewrite w ON w.oid = e.objid
                                       WHERE e.classid = 'pg_rewrite'::regclass AND e.refclassid = 'pg_class'::regclass
                                         AND e.refobjid = c.oid AND w.ev_class <> c.oid) u))
         ) AS p (part, value)
   WHERE a.kind = 'relation'
  UNION ALL
  SELECT a.kind, a.schema, a.name, p.part || ' (' || pg_get_function_identity_arguments(f.oid) || ')', p.value
    FROM asked a
    JOIN pg_proc f ON f.proname = a.name
    JOIN pg_namespace n ON n.oid = f.pronamespace
   CROSS JOIN LATERAL (VALUES
           ('oid', f.oid::text),
           ('owner', pg_get_userbyid(f.proowner)::text),
           ('permissions', f.proacl::text),
           ('definition', CASE WHEN f.prokind = 'a' THEN 'aggregate' ELSE pg_get_functiondef(f.oid) END)) AS p (part, value)
   WHERE a.kind = 'function' AND (n.nspname = a.schema OR (a.schema = '' AND pg_function_is_visible(f.oid)))
  UNION ALL
  SELECT a.kind, a.schema, a.name, p.part, p.value
    FROM asked a
    JOIN pg_namespace n ON n.nspname = a.name
   CROSS JOIN LATERAL (VALUES
           ('oid', n.oid::text),
           ('owner', pg_get_userbyid(n.nspowner)::text),
           ('permissions', n.nspacl::text),
           ('contents', CASE WHEN a.kind = 'schema_contents' THEN
              (SELECT string_agg(o.what, E'\n' ORDER BY o.what)
                 FROM (SELECT 'relation ' || quote_ident(c.relname) AS what FROM pg_class c
                        WHERE c.relnamespace = n.oid AND c.relkind NOT IN ('i', 'I', 't')
                       UNION ALL
                       SELECT 'function ' || f.oid::regprocedure::text FROM pg_proc f WHERE f.pronamespace = n.oid) o) END))
         AS p (part, value)
   WHERE a.kind IN ('schema', 'schema_contents')
  UNION ALL
  SELECT a.kind, a.schema, a.name, p.part, p.value
    FROM asked a
    JOIN pg_type t ON t.oid = to_regtype(a.path)
   CROSS JOIN LATERAL (VALUES
           ('oid', t.oid::text),
           ('kind', t.typtype::text),
           ('owner', pg_get_userbyid(t.typowner)::text),
           ('permissions', t.typacl::text),
           ('base', nullif(format_type(t.typbasetype, t.typtypmod), '-')),
           ('labels', (SELECT string_agg(e.enumlabel, E'\n' ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid)),
           ('columns', (SELECT string_agg(quote_ident(x.attname) || ' ' || format_type(x.atttypid, x.atttypmod), E'\n' ORDER BY x.attnum)
                          FROM pg_attribute x WHERE x.attrelid = t.typrelid AND x.attnum > 0 AND NOT x.attisdropped)),
           ('constraints', (SELECT string_agg(quote_ident(n.conname) || ' ' || pg_get_constraintdef(n.oid), E'\n' ORDER BY n.conname)
                              FROM pg_constraint n WHERE n.contypid = t.oid))) AS p (part, value)
   WHERE a.kind = 'type'
  UNION ALL
  SELECT a.kind, a.schema, a.name, p.part, p.value
    FROM asked a
    JOIN pg_roles r ON r.rolname = a.name
   CROSS JOIN LATERAL (VALUES
           ('oid', r.oid::text),
           ('attributes', format('super %s, inherit %s, create role %s, create db %s, login %s, replication %s, bypass rls %s, limit %s',
                                 r.rolsuper, r.rolinherit, r.rolcreaterole, r.rolcreatedb, r.rolcanlogin, r.rolreplication,
                                 r.rolbypassrls, r.rolconnlimit)),
           ('valid until', r.rolvaliduntil::text),
           ('settings', (SELECT s.settings FROM told s WHERE s.setdatabase = 0 AND s.setrole = r.oid)),
           ('settings in databases', (SELECT string_agg(b.datname || ': ' || s.settings, E'\n' ORDER BY b.datname)
                                        FROM told s
                                        JOIN pg_database b ON b.oid = s.setdatabase
                                       WHERE s.setrole = r.oid)),
           ('member of', (SELECT string_agg(DISTINCT m.roleid::regrole::text, ', ') FROM pg_auth_members m WHERE m.member = r.oid)),
           ('members', (SELECT string_agg(DISTINCT m.member::regrole::text, ', ') FROM pg_auth_members m WHERE m.roleid = r.oid)))
         AS p (part, value)
   WHERE a.kind = 'role'
  UNION ALL
  SELECT a.kind, a.schema, a.name, p.part, p.value
    FROM asked a
    JOIN pg_extension x ON x.extname = a.name
   CROSS JOIN LATERAL (VALUES ('version', x.extversion), ('schema', x.extnamespace::regnamespace::text)) AS p (part, value)
   WHERE a.kind = 'extension'
  UNION ALL
  SELECT a.kind, a.schema, a.name, p.part, p.value
    FROM asked a
    JOIN pg_database b ON b.datname = a.name
   CROSS JOIN LATERAL (VALUES
           ('oid', b.oid::text),
           ('owner', pg_get_userbyid(b.datdba)::text),
           ('permissions', b.datacl::text),
           ('settings', (SELECT s.settings FROM told s WHERE s.setdatabase = b.oid AND s.setrole = 0))) AS p (part, value)
   WHERE a.kind = 'database'
  UNION ALL
  SELECT a.kind, a.schema, a.name, 'value', s.reset_val
    FROM asked a
    JOIN pg_settings s ON lower(s.name) = lower(a.name)
   WHERE a.kind = 'setting'
  UNION ALL
  SELECT a.kind, a.schema, a.name, p.part, p.value
    FROM asked a
    JOIN pg_publication u ON u.pubname = a.name
   CROSS JOIN LATERAL (VALUES
           ('oid', u.oid::text),
           ('owner', pg_get_userbyid(u.pubowner)::text),
           ('publishes', format('all tables %s, insert %s, update %s, delete %s, truncate %s', u.puballtables, u.pubinsert,
                                u.pubupdate, u.pubdelete, u.pubtruncate)),
           ('tables', (SELECT string_agg(l.prrelid::regclass::text, ', ' ORDER BY l.prrelid::regclass::text)
                         FROM pg_publication_rel l WHERE l.prpubid = u.oid))) AS p (part, value)
   WHERE a.kind = 'publication'
)
SELECT p.kind, p.schema, p.name, p.part, p.value
  FROM parts p
 WHERE p.value <> ''
 ORDER BY p.kind, p.schema, p.name, p.part
