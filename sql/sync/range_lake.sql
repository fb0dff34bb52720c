-- summary: a part of a copy: a range of a whole-number key, named by where it begins; ~ outside of all
-- kind: fragment
-- param key identifier
-- param low integer
-- param width integer
-- param last integer
-- example: SELECT :fragment FROM pg_class AS t
CASE WHEN t.:key >= :low AND t.:key - :low < :last + :width
     THEN CAST((t.:key - :low) - ((t.:key - :low) % :width) AS STRING) ELSE '~' END
