-- summary: says which text was taken
-- kind: read
-- server: 15-
-- column taken text
-- variant: 17-
SELECT 'new'::text AS taken
-- variant: 15
SELECT 'old'::text AS taken
-- variant: 16
SELECT 'middle'::text AS taken
