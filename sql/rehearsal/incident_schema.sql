-- summary: makes the schema of a planted incident
-- kind: change
-- server: 15-18
CREATE SCHEMA rehearsed
