-- summary: the first transaction that could not be seen yet when a statement's batches began
-- kind: read
-- server: 15-18
-- column transaction text
SELECT pg_snapshot_xmax(pg_current_snapshot())::text AS transaction
