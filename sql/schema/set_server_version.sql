-- summary: another version of a foreign server
-- kind: change
-- server: 15-18
-- param address definition like SERVER s
-- param version definition like '1'
ALTER :address VERSION :version
