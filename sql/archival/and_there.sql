-- summary: and in the partition that the place was found in: each has places of the same numbers
-- kind: fragment
-- example: WITH found AS (SELECT t.tableoid AS part, t.ctid AS place FROM pg_class t) SELECT 1 FROM pg_class t WHERE true :fragment
AND (t.tableoid, t.ctid) IN (SELECT f.part, f.place FROM found f)
