-- summary: a column as the server prints it, which is how text of the lakehouse has it
-- kind: fragment
-- note: a cast to text is not that: it takes the blanks of fixed lengths away, and writes out true.
-- param column identifier
-- example: SELECT :fragment FROM pg_class AS t
CASE WHEN t.:column IS NOT DISTINCT FROM NULL THEN NULL ELSE concat(t.:column) END
