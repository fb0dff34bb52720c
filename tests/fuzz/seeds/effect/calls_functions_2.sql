SELECT pg_stat_reset_single_table_counters(1);
SELECT pg_stat_statements_reset();
SELECT set_config('work_mem', '1GB', false);
SELECT set_config(name, '1', true) FROM pg_settings;
SELECT set_config('session_replication_role', 'replica', true);
SELECT setval('s', 1)
