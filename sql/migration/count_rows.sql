-- summary: rows of tables, counted as far as that is quick: 100001 means that there are more
-- kind: read
-- server: 15-18
-- param counted sql[] like ('a'::text, true, 0::int8)
-- column name text
-- column rows integer
SELECT v.name, v.rows FROM (VALUES :counted) v (name, stays, rows) WHERE v.name IS NOT NULL ORDER BY v.name
