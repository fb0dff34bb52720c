-- summary: how many statements of this database were counted whose texts the role may not see
-- kind: read
-- server: 15-18
-- note: the view is in whatever schema its extension was put. It has neither text nor id of these, so that nothing tells one from another.
-- param schema identifier like pg_catalog
-- param view identifier like pg_class
-- column hidden integer
SELECT count(*) AS hidden
  FROM :schema.:view s
 WHERE (to_jsonb(s) ->> 'dbid')::oid = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
   AND to_jsonb(s) ->> 'query' = '<insufficient privilege>'
