-- summary: the type of a column, and of one that is an array that of its elements
-- kind: read
-- server: 15-18
-- note: a name without a schema is found as the session would find it.
-- param schema text null
-- param table text
-- param column text
-- column type text
SELECT CASE WHEN y.typcategory = 'A' AND y.typelem <> 0 THEN format_type(y.typelem, NULL) ELSE format_type(y.oid, NULL) END AS type
  FROM pg_attribute a
  JOIN pg_type y ON y.oid = a.atttypid
 WHERE a.attrelid = to_regclass(CASE WHEN :schema::text IS NULL THEN quote_ident(:table)
                                     ELSE quote_ident(:schema::text) || '.' || quote_ident(:table) END)
   AND a.attname = :column
   AND NOT a.attisdropped
