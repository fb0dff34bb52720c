-- summary: the statements that would make indexes anew
-- kind: read
-- server: 15-18
-- param index_ids integer[] as oid
-- column index_id integer
-- column definition text
SELECT c.oid::int8 AS index_id,
       pg_get_indexdef(c.oid) AS definition
  FROM pg_class c
 WHERE c.oid = ANY (:index_ids)
