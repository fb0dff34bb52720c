-- summary: whether the ledger of migrations is there
-- kind: read
-- server: 15-18
-- column present boolean
SELECT to_regclass('lbops_migration.ledger') IS NOT NULL AS present
