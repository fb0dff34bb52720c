-- summary: takes away what a build that failed has left
-- kind: change
-- server: 15-18
-- param index definition
DROP INDEX CONCURRENTLY :index
