-- summary: subscriptions of this database that are enabled
-- kind: read
-- server: 15-18
-- note: where they connect to is for superusers to see.
-- column name text
-- column detail text null
SELECT s.subname::text AS name,
       'publications ' || array_to_string(s.subpublications, ', ') AS detail
  FROM pg_subscription s
 WHERE s.subenabled
   AND s.subdbid = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
 ORDER BY name
