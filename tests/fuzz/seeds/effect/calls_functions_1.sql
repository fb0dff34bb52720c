SELECT pg_terminate_backend(pid) FROM pg_stat_activity;
SELECT pg_catalog.PG_CANCEL_BACKEND(1);
SELECT 1 WHERE EXISTS (SELECT pg_terminate_backend(2));
SELECT 1 ORDER BY (CASE WHEN pg_terminate_backend(2) THEN 1 END);
SELECT pg_reload_conf();
SELECT pg_stat_reset()
