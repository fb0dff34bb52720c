-- summary: a column that only the other side of a view has
-- kind: fragment
-- param column identifier
-- example: SELECT :fragment
NULL AS :column
