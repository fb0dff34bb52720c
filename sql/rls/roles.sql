-- summary: which of these roles there are, whether we may act as them, and what holds them to no policy
-- kind: read
-- server: 15-18
-- note: reaches are other roles that it may act as, and so get at what they may: those without bounds, owners of the
-- note: tables, other tenants.
-- param roles text[]
-- param owners text[]
-- column name text
-- column is_superuser boolean
-- column bypasses boolean
-- column can_act boolean
-- column reaches text null
-- variant: 15
SELECT r.rolname::text AS name,
       r.rolsuper AS is_superuser,
       r.rolbypassrls AS bypasses,
       pg_has_role(r.oid, 'MEMBER') AS can_act,
       (SELECT string_agg(g.rolname::text, ', ' ORDER BY g.rolname::text)
          FROM pg_roles g
         WHERE g.oid <> r.oid
           AND pg_has_role(r.oid, g.oid, 'MEMBER')
           AND (g.rolsuper OR g.rolbypassrls OR g.rolname = ANY (:owners) OR g.rolname = ANY (:roles))
           AND NOT r.rolsuper) AS reaches
  FROM pg_roles r
 WHERE r.rolname = ANY (:roles)
 ORDER BY name
-- variant: 16-18
SELECT r.rolname::text AS name,
       r.rolsuper AS is_superuser,
       r.rolbypassrls AS bypasses,
       pg_has_role(r.oid, 'SET') AS can_act,
       (SELECT string_agg(g.rolname::text, ', ' ORDER BY g.rolname::text)
          FROM pg_roles g
         WHERE g.oid <> r.oid
           AND pg_has_role(r.oid, g.oid, 'MEMBER')
           AND (g.rolsuper OR g.rolbypassrls OR g.rolname = ANY (:owners) OR g.rolname = ANY (:roles))
           AND NOT r.rolsuper) AS reaches
  FROM pg_roles r
 WHERE r.rolname = ANY (:roles)
 ORDER BY name
