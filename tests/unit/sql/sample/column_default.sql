-- summary: a column with its default as a server printed it
-- kind: fragment
-- example: CREATE TABLE t (:fragment)
-- param name identifier
-- param type definition like integer
-- param expression definition null like DEFAULT 1
:name :type :expression
