-- summary: lets others apply migrations again
-- kind: change
-- server: 15-18
SELECT pg_advisory_unlock(hashtextextended('lbops_migration', 0))
