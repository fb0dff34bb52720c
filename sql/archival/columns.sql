-- summary: the columns of a table with their types, and which of them are its key, in what place
-- kind: read
-- server: 15-18
-- note: the primary key, or else a unique index that cannot hold a row twice: not null, whole, checked at once.
-- param table_id integer as oid
-- column name text
-- column type text
-- column is_time boolean
-- column key_place integer null
WITH key AS MATERIALIZED (
    SELECT i.indkey, i.indnkeyatts
      FROM pg_index i
     WHERE i.indrelid = :table_id
       AND i.indisunique AND i.indisvalid AND i.indimmediate AND i.indpred IS NULL AND i.indexprs IS NULL
       AND NOT EXISTS (SELECT FROM pg_attribute k
                        WHERE k.attrelid = i.indrelid AND k.attnum = ANY (i.indkey) AND NOT k.attnotnull)
     ORDER BY i.indisprimary DESC, i.indnkeyatts, i.indexrelid
     LIMIT 1
)
SELECT a.attname::text AS name,
       format_type(a.atttypid, a.atttypmod) AS type,
       a.atttypid IN ('timestamptz'::regtype, 'timestamp'::regtype, 'date'::regtype) AS is_time,
       p.place::int8 AS key_place
  FROM pg_attribute a
  LEFT JOIN (SELECT x.attnum, x.place, k.indnkeyatts
               FROM key k
              CROSS JOIN unnest(k.indkey::int2[]) WITH ORDINALITY x (attnum, place)) p
    ON p.attnum = a.attnum AND p.place <= p.indnkeyatts
 WHERE a.attrelid = :table_id
   AND a.attnum > 0
   AND NOT a.attisdropped
 ORDER BY a.attnum
