-- summary: who no policy holds: roles that can log in and are superusers or bypass row security, by themselves or by SET ROLE
-- kind: read
-- server: 15-18
-- column name text
-- column is_superuser boolean
-- column by text null
SELECT r.rolname::text AS name,
       r.rolsuper AS is_superuser,
       CASE WHEN NOT r.rolsuper AND NOT r.rolbypassrls
            THEN (SELECT string_agg(g.rolname::text, ', ' ORDER BY g.rolname)
                    FROM pg_roles g
                   WHERE (g.rolsuper OR g.rolbypassrls) AND pg_has_role(r.oid, g.oid, 'MEMBER'))
            END AS by
  FROM pg_roles r
 WHERE r.rolcanlogin
   AND (r.rolsuper
        OR r.rolbypassrls
        OR EXISTS (SELECT FROM pg_roles g WHERE (g.rolsuper OR g.rolbypassrls) AND pg_has_role(r.oid, g.oid, 'MEMBER')))
 ORDER BY name
