-- summary: how full a table is told to make its pages, and how many updates of it found no room on theirs
-- kind: read
-- server: 15-18
-- note: before 16 the server does not count the updates whose new row went to another page.
-- note: nothing where the table has no index: an update writes none anew then.
-- param relation integer as oid
-- column fill integer null
-- column moved integer null
-- variant: 15
SELECT (SELECT o.option_value::int8 FROM pg_options_to_table(c.reloptions) o WHERE o.option_name = 'fillfactor') AS fill,
       NULL::int8 AS moved
  FROM pg_class c
 WHERE c.oid = :relation
   AND c.relhasindex
-- variant: 16-18
SELECT (SELECT o.option_value::int8 FROM pg_options_to_table(c.reloptions) o WHERE o.option_name = 'fillfactor') AS fill,
       pg_stat_get_tuples_newpage_updated(c.oid) AS moved
  FROM pg_class c
 WHERE c.oid = :relation
   AND c.relhasindex
