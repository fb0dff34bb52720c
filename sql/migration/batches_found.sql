-- summary: whether it is written down here which batches of statements have been executed
-- kind: read
-- server: 15-18
-- column present boolean
SELECT to_regclass('lbops_migration.batches') IS NOT NULL AS present
