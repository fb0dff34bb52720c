-- summary: how much is kept of a column's values
-- kind: change
-- server: 15-18
-- param parent definition like TABLE t
-- param name identifier
-- param statistics definition like 100
ALTER :parent ALTER COLUMN :name SET STATISTICS :statistics
