-- summary: the function behind EXTRACT, which takes its field as a value
-- kind: fragment
-- note: statistics write `extract($1 from x)` for `extract(year from x)`, which no server takes back.
-- example: SELECT :fragment('year', now())
pg_catalog."extract"
