-- summary: roles that go by the prefix of tenants and are none, and policies of theirs
-- kind: read
-- server: 15-18
-- param roles text[]
-- param prefix text
-- column role text
-- column schema text null
-- column table_name text null
-- column members integer
SELECT r.rolname::text AS role,
       n.nspname::text AS schema,
       c.relname::text AS table_name,
       (SELECT count(*) FROM pg_auth_members m WHERE m.roleid = r.oid) AS members
  FROM pg_roles r
  LEFT JOIN pg_policy p ON p.polname = r.rolname AND r.oid = ANY (p.polroles)
  LEFT JOIN pg_class c ON c.oid = p.polrelid
  LEFT JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE :prefix <> ''
   AND starts_with(r.rolname::text, :prefix)
   AND NOT r.rolname = ANY (:roles)
   AND NOT r.rolcanlogin
 ORDER BY role, schema, table_name
