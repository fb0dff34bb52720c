-- summary: which of these functions may give something else each time, or do something
-- kind: read
-- server: 15-18
-- param names text[]
-- column name text
SELECT DISTINCT p.proname::text AS name
  FROM pg_proc p
 WHERE p.proname = ANY (:names::text[])
   AND p.provolatile = 'v'
 ORDER BY name
