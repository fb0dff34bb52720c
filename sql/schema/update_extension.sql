-- summary: another version of an extension
-- kind: change
-- server: 15-18
-- param address definition like EXTENSION e
-- param version definition like '1.1'
ALTER :address UPDATE TO :version
