-- summary: who we are here, and where
-- kind: read
-- server: 15-18
-- column role text
-- column database text
-- column is_superuser boolean
SELECT current_user::text AS role,
       current_database()::text AS database,
       (SELECT r.rolsuper FROM pg_roles r WHERE r.rolname = current_user) AS is_superuser
