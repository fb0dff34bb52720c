-- summary: autovacuum workers that are at work anywhere on the server; null where this role may not see them
-- kind: read
-- server: 15-18
-- column busy integer null
SELECT CASE WHEN pg_has_role('pg_read_all_stats', 'USAGE')
            THEN (SELECT count(*) FROM pg_stat_activity a WHERE a.backend_type = 'autovacuum worker') END AS busy
