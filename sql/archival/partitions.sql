-- summary: partitions of tables that are partitioned by ranges of time, with the ends of their ranges
-- kind: read
-- server: 15-18
-- note: the first column of the key counts. An end is null where the range is open, and for a default partition.
-- column table_id integer
-- column parent_id integer
-- column key_column text
-- column is_default boolean
-- column is_single_key boolean
-- column lower_bound timestamp null
-- column upper_bound timestamp null
WITH ranges AS MATERIALIZED (
    SELECT c.oid, h.inhparent, a.attname, p.partnatts, p.partdefid, pg_get_expr(c.relpartbound, c.oid) AS bound
      FROM pg_partitioned_table p
      JOIN pg_inherits h ON h.inhparent = p.partrelid
      JOIN pg_class c ON c.oid = h.inhrelid
      JOIN pg_attribute a ON a.attrelid = p.partrelid AND a.attnum = p.partattrs[0]
     WHERE p.partstrat = 'r'
       AND a.atttypid IN ('timestamptz'::regtype, 'timestamp'::regtype, 'date'::regtype)
       AND c.relispartition
)
SELECT r.oid::int8 AS table_id,
       r.inhparent::int8 AS parent_id,
       r.attname::text AS key_column,
       r.oid = r.partdefid AS is_default,
       r.partnatts = 1 AS is_single_key,
       substring(r.bound FROM $$FROM \('([^']*)'$$)::timestamptz AS lower_bound,
       substring(r.bound FROM $$TO \('([^']*)'$$)::timestamptz AS upper_bound
  FROM ranges r
 ORDER BY parent_id, upper_bound NULLS LAST, table_id
