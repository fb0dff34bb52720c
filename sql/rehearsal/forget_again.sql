-- summary: takes what a second run of a migration has noted out of the ledger
-- kind: change
-- server: 15-18
-- param generation integer
WITH based AS (DELETE FROM lbops_migration.base WHERE generation >= :generation)
DELETE FROM lbops_migration.ledger WHERE generation >= :generation AND kind <> 'report'
