-- summary: who may read a table and is no tenant: its owner, and who may read every table
-- kind: read
-- server: 15-18
-- note: without whom policies do not hold, and without those that a policy is for by name, or that have what tenants or
-- note: operators have: they are to see rows.
-- param tables integer[]
-- param roles text[]
-- param operators text[]
-- column table_id integer
-- column role text
-- column is_owner boolean
-- column can_act boolean
-- variant: 15
SELECT c.oid::int8 AS table_id,
       r.rolname::text AS role,
       r.oid = c.relowner AS is_owner,
       pg_has_role(r.oid, 'MEMBER') AS can_act
  FROM pg_class c
  JOIN pg_roles r ON r.oid = c.relowner OR r.rolname = 'pg_read_all_data'
 WHERE c.oid = ANY (:tables)
   AND NOT r.rolsuper
   AND NOT r.rolbypassrls
   AND NOT EXISTS (SELECT
                     FROM pg_roles o
                    WHERE (o.rolname = ANY (:roles) OR o.rolname = ANY (:operators)) AND pg_has_role(r.oid, o.oid, 'USAGE'))
   AND NOT EXISTS (SELECT
                     FROM pg_policy p, unnest(p.polroles) AS a (id)
                    WHERE p.polrelid = c.oid AND a.id <> 0 AND pg_has_role(r.oid, a.id, 'USAGE'))
 ORDER BY table_id, is_owner DESC
-- variant: 16-18
SELECT c.oid::int8 AS table_id,
       r.rolname::text AS role,
       r.oid = c.relowner AS is_owner,
       pg_has_role(r.oid, 'SET') AS can_act
  FROM pg_class c
  JOIN pg_roles r ON r.oid = c.relowner OR r.rolname = 'pg_read_all_data'
 WHERE c.oid = ANY (:tables)
   AND NOT r.rolsuper
   AND NOT r.rolbypassrls
   AND NOT EXISTS (SELECT
                     FROM pg_roles o
                    WHERE (o.rolname = ANY (:roles) OR o.rolname = ANY (:operators)) AND pg_has_role(r.oid, o.oid, 'USAGE'))
   AND NOT EXISTS (SELECT
                     FROM pg_policy p, unnest(p.polroles) AS a (id)
                    WHERE p.polrelid = c.oid AND a.id <> 0 AND pg_has_role(r.oid, a.id, 'USAGE'))
 ORDER BY table_id, is_owner DESC
