-- summary: values that the planner knows of a column: the most common one, and one from the middle of the others
-- kind: read
-- server: 15-18
-- note: a name without a schema is found as the session would find it.
-- note: only of columns that the role may read. A partitioned table has its whole tree's figures.
-- param schema text null
-- param relation text
-- param column_name text
-- column most_common text null
-- column middle_bound text null
SELECT (s.most_common_vals::text::text[])[1] AS most_common,
       (s.histogram_bounds::text::text[])[(cardinality(s.histogram_bounds::text::text[]) + 1) / 2] AS middle_bound
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_stats s ON s.schemaname = n.nspname AND s.tablename = c.relname
 WHERE c.oid = to_regclass(CASE WHEN :schema::text IS NULL THEN quote_ident(:relation)
                                ELSE quote_ident(:schema::text) || '.' || quote_ident(:relation) END)
   AND s.attname = :column_name
 ORDER BY s.inherited DESC
 LIMIT 1
