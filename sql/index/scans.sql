-- summary: what this server itself has scanned, of tables and indexes of people's own
-- kind: read
-- server: 15-18
-- note: each compute counts its own scans; numbers of relations are the same on all computes of a branch. Of a table it
-- note: is the scans of the whole of it.
-- column relation_id integer
-- column is_index boolean
-- column scans integer
SELECT c.oid::int8 AS relation_id,
       c.relkind = 'i' AS is_index,
       pg_stat_get_numscans(c.oid) AS scans
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'm', 'i')
   AND c.relpersistence <> 't'
   AND n.nspname NOT IN ('pg_catalog', 'information_schema')
   AND n.nspname !~ '^(pg_(toast|temp_)|lbops_)'
   AND pg_stat_get_numscans(c.oid) > 0
