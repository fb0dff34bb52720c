-- summary: takes the role of a planted incident away
-- kind: change
-- server: 15-18
DROP ROLE IF EXISTS rehearsed
