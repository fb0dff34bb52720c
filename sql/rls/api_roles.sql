-- summary: roles of those named, and whether each is the Data API's to act as; those that are not there yet only in a plan
-- kind: read
-- server: 15-18
-- note: in a plan the Data API's own role may be missing, too: whoever enables it makes that.
-- param roles text[]
-- param planned boolean
-- column role text
-- column api_may_act boolean null
-- variant: 15
SELECT w.name AS role,
       coalesce((SELECT coalesce(pg_has_role(a.oid, r.oid, 'MEMBER'), false) FROM pg_roles a WHERE a.rolname = 'authenticator'),
                CASE WHEN :planned THEN false END) AS api_may_act
  FROM unnest(:roles) AS w (name)
  LEFT JOIN pg_roles r ON r.rolname = w.name
 WHERE r.oid IS NOT NULL
    OR :planned
 ORDER BY role
-- variant: 16-18
SELECT w.name AS role,
       coalesce((SELECT coalesce(pg_has_role(a.oid, r.oid, 'SET'), false) FROM pg_roles a WHERE a.rolname = 'authenticator'),
                CASE WHEN :planned THEN false END) AS api_may_act
  FROM unnest(:roles) AS w (name)
  LEFT JOIN pg_roles r ON r.rolname = w.name
 WHERE r.oid IS NOT NULL
    OR :planned
 ORDER BY role
