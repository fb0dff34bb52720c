-- summary: foreign servers that foreign tables of this database read from and write to
-- kind: read
-- server: 15-18
-- column name text
-- column detail text null
SELECT s.srvname::text AS name,
       concat_ws(', ', w.fdwname::text, 'host ' || (SELECT o.option_value FROM pg_options_to_table(s.srvoptions) o WHERE o.option_name = 'host'),
                 count(*) || ' foreign table(s)') AS detail
  FROM pg_foreign_server s
  JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw
  JOIN pg_foreign_table t ON t.ftserver = s.oid
 GROUP BY s.srvname, w.fdwname, s.srvoptions
 ORDER BY name
