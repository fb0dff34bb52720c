SELECT pg_logical_slot_peek_changes('s', NULL, 10);
SELECT pg_stat_get_numscans(1), pg_relation_size('t'), random()
