-- summary: gives a table another name
-- kind: change
-- server: 15-18
-- param address definition like TABLE t
-- param new_name identifier
ALTER :address RENAME TO :new_name
