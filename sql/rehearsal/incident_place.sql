-- summary: where an incident would be planted: when its server started, and whether we are its superuser
-- kind: read
-- server: 15-18
-- column started_at timestamp
-- column is_superuser boolean
SELECT pg_postmaster_start_time() AS started_at,
       (SELECT r.rolsuper FROM pg_roles r WHERE r.rolname = current_user) AS is_superuser
