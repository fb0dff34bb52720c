-- summary: columns that hold moments, with what planner statistics and indexes say of them
-- kind: read
-- server: 15-18
-- note: bounds, values and their shares are of pg_stats: seconds since 1970, infinite ones as infinity. A row is known to
-- note: be written at such a moment only where the column's default says so, or where rows lie in the order of it.
-- param table_ids integer[]
-- column table_id integer
-- column name text
-- column type text
-- column is_not_null boolean
-- column default_is_now boolean
-- column is_partition_key boolean
-- column is_indexed boolean
-- column has_statistics boolean
-- column null_share number null
-- column correlation number null
-- column bounds number[] null
-- column common_values number[] null
-- column common_shares number[] null
SELECT a.attrelid::int8 AS table_id,
       a.attname::text AS name,
       format_type(a.atttypid, a.atttypmod) AS type,
       a.attnotnull AS is_not_null,
       coalesce(pg_get_expr(d.adbin, d.adrelid) ~*
                '(now\(\)|CURRENT_TIMESTAMP|CURRENT_DATE|LOCALTIMESTAMP|(clock|statement|transaction)_timestamp\(\))',
                false) AS default_is_now,
       coalesce(p.partstrat = 'r' AND p.partattrs[0] = a.attnum, false) AS is_partition_key,
       EXISTS (SELECT FROM pg_index i
                 JOIN pg_class x ON x.oid = i.indexrelid
                 JOIN pg_am m ON m.oid = x.relam
                WHERE i.indrelid = a.attrelid AND i.indkey[0] = a.attnum AND i.indpred IS NULL
                  AND i.indisvalid AND m.amname = 'btree') AS is_indexed,
       s.attname IS NOT NULL AS has_statistics,
       s.null_frac::float8 AS null_share,
       s.correlation::float8 AS correlation,
       (SELECT array_agg(extract(epoch FROM v.value)::float8 ORDER BY v.place)
          FROM unnest(s.histogram_bounds::text::timestamptz[]) WITH ORDINALITY v (value, place)) AS bounds,
       (SELECT array_agg(extract(epoch FROM v.value)::float8 ORDER BY v.place)
          FROM unnest(s.most_common_vals::text::timestamptz[]) WITH ORDINALITY v (value, place)) AS common_values,
       s.most_common_freqs::float8[] AS common_shares
  FROM pg_attribute a
  JOIN pg_class t ON t.oid = a.attrelid
  JOIN pg_namespace n ON n.oid = t.relnamespace
  LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
  LEFT JOIN pg_partitioned_table p ON p.partrelid = a.attrelid
  LEFT JOIN pg_stats s ON s.schemaname = n.nspname AND s.tablename = t.relname AND s.attname = a.attname
                      AND s.inherited = (t.relkind = 'p')
 WHERE a.attrelid = ANY (:table_ids)
   AND a.attnum > 0
   AND NOT a.attisdropped
   AND a.atttypid IN ('timestamptz'::regtype, 'timestamp'::regtype, 'date'::regtype)
 ORDER BY table_id, a.attnum
