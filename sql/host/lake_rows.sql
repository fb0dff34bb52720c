-- summary: the rows of a question for the lakehouse, with columns as it keeps them
-- kind: fragment
-- param columns sql[]
-- param rows sql
-- example: :fragment
SELECT :columns
  FROM (:rows) AS r
