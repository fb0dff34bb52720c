ALTER TABLE t SET (autovacuum_enabled = true);
ALTER TABLE t SET (autovacuum_enabled = off);
ALTER TABLE t SET (autovacuum_enabled = 1, toast.autovacuum_enabled = of);
ALTER TABLE t SET (autovacuum_enabled = 0);
ALTER TABLE t SET (autovacuum_enabled = 1);
ALTER TABLE t SET (user_catalog_table = true)
