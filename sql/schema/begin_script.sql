-- summary: names are looked for where they were printed
-- kind: change
-- server: 15-18
SET search_path TO public, pg_temp
