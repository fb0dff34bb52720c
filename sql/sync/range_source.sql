-- summary: a part of a table: a range of a whole-number key, named by where it begins
-- kind: fragment
-- param key identifier
-- param low integer
-- param width integer
-- example: SELECT :fragment FROM pg_class AS t
CAST((t.:key - :low) - ((t.:key - :low) % :width) AS text)
