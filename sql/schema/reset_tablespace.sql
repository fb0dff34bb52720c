-- summary: the default tablespace
-- kind: change
-- server: 15-18
-- param address definition like TABLE t
ALTER :address SET TABLESPACE pg_default
