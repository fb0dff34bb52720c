-- summary: the role and the database of the session
-- kind: read
-- server: 15-18
-- column role text
-- column database text
-- column version text
SELECT current_user::text AS role,
       pg_catalog.current_database()::text AS database,
       pg_catalog.current_setting('server_version') AS version
