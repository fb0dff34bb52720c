-- summary: makes the schema in which the ledger of migrations lies
-- kind: change
-- server: 15-18
CREATE SCHEMA IF NOT EXISTS lbops_migration
