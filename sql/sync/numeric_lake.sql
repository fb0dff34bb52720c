-- summary: numbers of any scale, without zeros at their end
-- kind: fragment
-- note: DuckDB prints .5 where a type has no digits before the point, and others 0.5.
-- param column identifier
-- example: SELECT :fragment FROM pg_class AS t
CASE WHEN CAST(t.:column AS STRING) LIKE '.%'
     THEN TRIM(TRAILING '.' FROM TRIM(TRAILING '0' FROM concat('0', CAST(t.:column AS STRING))))
     WHEN CAST(t.:column AS STRING) LIKE '-.%'
     THEN concat('-0', TRIM(TRAILING '0' FROM substr(CAST(t.:column AS STRING), 2)))
     WHEN CAST(t.:column AS STRING) LIKE '%.%'
     THEN TRIM(TRAILING '.' FROM TRIM(TRAILING '0' FROM CAST(t.:column AS STRING)))
     ELSE CAST(t.:column AS STRING) END
