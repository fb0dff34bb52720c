-- summary: a column has one of some values
-- kind: fragment
-- example: SELECT 1 FROM t WHERE true :fragment
-- param column identifier
-- param least integer
-- param names text[]
AND (:least < -:least OR :column = ANY (:names))
