-- summary: numbers of any scale, without zeros at their end
-- kind: fragment
-- param column identifier
-- example: SELECT :fragment FROM pg_class AS t
CASE WHEN CAST(t.:column AS STRING) LIKE '%.%'
     THEN TRIM(TRAILING '.' FROM TRIM(TRAILING '0' FROM CAST(t.:column AS STRING)))
     ELSE CAST(t.:column AS STRING) END
