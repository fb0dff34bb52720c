-- summary: makes the planner of this session forget the indexes that it was told of
-- kind: read
-- server: 15-18
-- note: the function is hypopg_reset.
-- param schema identifier like pg_catalog
-- param function identifier like pg_backend_pid
-- column forgotten integer
SELECT count(*) AS forgotten
  FROM :schema.:function() AS h
