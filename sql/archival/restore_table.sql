-- summary: which columns of a table the server computes itself, and how many triggers see a row that is inserted
-- kind: read
-- server: 15-18
-- param table_id integer as oid
-- column computed text[]
-- column insert_triggers integer
SELECT ARRAY(SELECT a.attname::text
               FROM pg_attribute a
              WHERE a.attrelid = :table_id AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated <> ''
              ORDER BY a.attnum) AS computed,
       (SELECT count(*)
          FROM pg_trigger g
         WHERE g.tgrelid = :table_id AND NOT g.tgisinternal AND g.tgenabled <> 'D' AND g.tgtype & 4 = 4) AS insert_triggers
