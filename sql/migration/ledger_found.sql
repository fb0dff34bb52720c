-- summary: whether the ledger of migrations is there, and the list of what they were applied to
-- kind: read
-- server: 15-18
-- column present boolean
-- column has_base boolean
SELECT to_regclass('lbops_migration.ledger') IS NOT NULL AS present,
       to_regclass('lbops_migration.base') IS NOT NULL AS has_base
