-- summary: takes the schema of a planted incident away, with all that is in it
-- kind: change
-- server: 15-18
DROP SCHEMA IF EXISTS rehearsed CASCADE
