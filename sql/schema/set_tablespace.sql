-- summary: another tablespace
-- kind: change
-- server: 15-18
-- param address definition like TABLE t
-- param tablespace definition like pg_default
ALTER :address SET TABLESPACE :tablespace
