-- summary: whether the ledger of archivals is there
-- kind: read
-- server: 15-18
-- column present boolean
SELECT to_regclass('lbops_archive.steps') IS NOT NULL AS present
