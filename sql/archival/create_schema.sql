-- summary: makes the schema of the ledger of archivals
-- kind: change
-- server: 15-18
CREATE SCHEMA IF NOT EXISTS lbops_archive
