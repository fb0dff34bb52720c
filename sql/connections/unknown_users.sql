-- summary: which of these roles are not there, and who could be meant: roles that may log in
-- kind: read
-- server: 15-18
-- note: what ends with a * stands for any rest, and may fit nobody.
-- param users text[]
-- column name text
-- column others text null
SELECT u.name,
       (SELECT left(string_agg(r.rolname, ', ' ORDER BY r.rolname), 200) FROM pg_roles r WHERE r.rolcanlogin) AS others
  FROM unnest(:users) AS u (name)
 WHERE right(u.name, 1) <> '*'
   AND NOT EXISTS (SELECT FROM pg_roles r WHERE r.rolname = u.name)
 ORDER BY u.name
 LIMIT 1
