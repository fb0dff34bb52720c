-- summary: another tablespace for the index of a constraint
-- kind: change
-- server: 15-18
-- param index_address definition like INDEX i
-- param tablespace definition like pg_default
ALTER :index_address SET TABLESPACE :tablespace
