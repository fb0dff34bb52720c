-- summary: a commit in the log, so that a recovery to a time just before finds something behind it
-- kind: change
-- server: 15-18
SELECT pg_catalog.pg_current_xact_id()
