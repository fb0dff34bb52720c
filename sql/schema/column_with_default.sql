-- summary: a column with its default among those of a new table
-- kind: fragment
-- example: CREATE TABLE t (:fragment)
-- param create definition like x integer
-- param default_value definition like 1
:create DEFAULT :default_value
