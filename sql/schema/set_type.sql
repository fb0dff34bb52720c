-- summary: another type for a column
-- kind: change
-- server: 15-18
-- param parent definition like TABLE t
-- param name identifier
-- param type definition like integer
-- param collation definition null like COLLATE "C"
-- param cast definition like x::integer
ALTER :parent ALTER COLUMN :name TYPE :type :collation USING :cast
