-- summary: roles that there are of those named, and whether each is the Data API's to act as
-- kind: read
-- server: 15-18
-- param roles text[]
-- column role text
-- column api_may_act boolean null
-- variant: 15
SELECT r.rolname::text AS role,
       (SELECT pg_has_role(a.oid, r.oid, 'MEMBER') FROM pg_roles a WHERE a.rolname = 'authenticator') AS api_may_act
  FROM pg_roles r
 WHERE r.rolname = ANY (:roles)
 ORDER BY role
-- variant: 16-18
SELECT r.rolname::text AS role,
       (SELECT pg_has_role(a.oid, r.oid, 'SET') FROM pg_roles a WHERE a.rolname = 'authenticator') AS api_may_act
  FROM pg_roles r
 WHERE r.rolname = ANY (:roles)
 ORDER BY role
