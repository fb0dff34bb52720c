-- summary: a column that is given a value
-- kind: fragment
-- param column identifier
-- param value sql like s.relname
-- example: MERGE INTO pg_class AS t USING pg_class AS s ON true WHEN MATCHED THEN UPDATE SET :fragment
:column = :value
