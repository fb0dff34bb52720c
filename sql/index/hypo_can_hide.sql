-- summary: can this HypoPG make the planner overlook an index that is there?
-- kind: read
-- server: 15-18
-- note: its 1.4 brought that.
-- param schema text
-- column functions integer
SELECT count(*) AS functions
  FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
 WHERE n.nspname = :schema
   AND p.proname IN ('hypopg_hide_index', 'hypopg_unhide_index')
