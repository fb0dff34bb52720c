-- summary: how many connections the server takes from ordinary clients, and what it holds back
-- kind: read
-- server: 15-18
-- note: max_connections follows the size of a compute, so it is read each time.
-- column max_connections integer
-- column superuser_reserved integer
-- column reserved integer
-- column sees_all boolean
-- column may_signal boolean
SELECT current_setting('max_connections')::int8 AS max_connections,
       current_setting('superuser_reserved_connections')::int8 AS superuser_reserved,
       coalesce(current_setting('reserved_connections', true)::int8, 0) AS reserved,
       pg_has_role('pg_read_all_stats', 'USAGE') AS sees_all,
       pg_has_role('pg_signal_backend', 'USAGE') AS may_signal
