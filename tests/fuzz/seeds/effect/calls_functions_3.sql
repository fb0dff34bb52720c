SELECT nextval('s');
SELECT pg_drop_replication_slot('s');
SELECT pg_logical_slot_get_changes('s', NULL, NULL);
SELECT pg_create_logical_replication_slot('s', 'pgoutput');
SELECT pg_switch_wal();
SELECT pg_rotate_logfile()
