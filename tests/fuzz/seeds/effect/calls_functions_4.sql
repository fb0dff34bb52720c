SELECT pg_promote();
SELECT pg_advisory_lock(1);
SELECT lo_unlink(1);
SELECT lo_export(1, '/x');
SELECT lo_get(1);
SELECT public.dblink_exec('c', 'DROP TABLE t')
