-- summary: a column among those of a new table
-- kind: fragment
-- example: CREATE TABLE t (:fragment)
-- param create definition like x integer
:create
