-- summary: the default tablespace for the index of a constraint
-- kind: change
-- server: 15-18
-- param index_address definition like INDEX i
ALTER :index_address SET TABLESPACE pg_default
