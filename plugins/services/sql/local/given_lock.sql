-- summary: waits until nobody else changes the branches of this server, or says that somebody does
-- kind: change
-- server: 15-18
-- param waits boolean
-- note: a lock of the session: it ends with it, however that comes
SELECT CASE WHEN :waits THEN pg_catalog.pg_advisory_lock(465725354099) IS NOT NULL
            ELSE pg_catalog.pg_try_advisory_lock(465725354099) END AS locked
