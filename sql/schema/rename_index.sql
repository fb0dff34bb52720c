-- summary: gives the index of a partition another name
-- kind: change
-- server: 15-18
-- param index_address definition like INDEX i
-- param index_name identifier
ALTER :index_address RENAME TO :index_name
