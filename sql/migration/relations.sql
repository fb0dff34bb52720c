-- summary: what these tables, views and indexes are, as far as advice on a change of them depends on it
-- kind: read
-- server: 15-18
-- note: partitions are counted with theirs; default_partition is what takes the rows that have none.
-- note: partition_key is what a partitioned one is split by: its columns, or "" where an expression is among them.
-- note: partition_of is where it is one itself, backs the constraint that an index is there for.
-- note: has_nullable is of an index: a column that it is sorted by may be NULL.
-- param schemas text[]
-- param names text[]
-- column schema text
-- column name text
-- column is_partitioned boolean
-- column default_partition text null
-- column partitions integer
-- column partition_key text null
-- column partition_of text null
-- column backs text null
-- column has_nullable boolean
-- column primary_key text null
-- column publications text null
-- column is_secured boolean
WITH RECURSIVE named AS (
  SELECT n.schema, n.name, c.*
    FROM unnest(:schemas::text[], :names::text[]) n (schema, name)
    JOIN pg_class c
      ON c.oid = to_regclass(CASE WHEN n.schema <> '' THEN quote_ident(n.schema) || '.' ELSE '' END || quote_ident(n.name))::oid
), below AS (
  SELECT c.oid AS root, i.inhrelid AS id FROM named c JOIN pg_inherits i ON i.inhparent = c.oid WHERE c.relkind IN ('p', 'I')
   UNION
  SELECT b.root, i.inhrelid FROM below b JOIN pg_inherits i ON i.inhparent = b.id
)
SELECT c.schema AS schema,
       c.name AS name,
       c.relkind IN ('p', 'I') AS is_partitioned,
       nullif(p.partdefid, 0)::regclass::text AS default_partition,
       (SELECT count(*) FROM below b WHERE b.root = c.oid) AS partitions,
       CASE WHEN p.partrelid IS NOT NULL THEN
         (SELECT CASE WHEN bool_and(a.attname IS NOT NULL) THEN string_agg(a.attname, ', ' ORDER BY k.place) ELSE '' END
            FROM unnest(p.partattrs::int2[]) WITH ORDINALITY k (number, place)
            LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.number AND k.number > 0)
       END AS partition_key,
       (SELECT i.inhparent::regclass::text FROM pg_inherits i WHERE i.inhrelid = c.oid AND c.relispartition) AS partition_of,
       (SELECT min(k.conname)::text FROM pg_constraint k WHERE k.conindid = c.oid AND k.contype IN ('p', 'u', 'x')) AS backs,
       EXISTS (SELECT FROM pg_index x
                CROSS JOIN generate_series(0, x.indnkeyatts - 1) i
                 JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = x.indkey[i]
                WHERE x.indexrelid = c.oid AND NOT a.attnotnull) AS has_nullable,
       (SELECT k.conname::text FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'p') AS primary_key,
       (SELECT string_agg(quote_ident(u.pubname), ', ' ORDER BY u.pubname)
          FROM pg_publication u
         WHERE (u.puballtables AND c.relkind IN ('r', 'p') AND c.relpersistence = 'p')
            OR u.oid IN (SELECT l.prpubid FROM pg_publication_rel l WHERE l.prrelid = c.oid)
            OR u.oid IN (SELECT s.pnpubid FROM pg_publication_namespace s WHERE s.pnnspid = c.relnamespace)) AS publications,
       c.relrowsecurity AS is_secured
  FROM named c
  LEFT JOIN pg_partitioned_table p
    ON p.partrelid = c.oid
