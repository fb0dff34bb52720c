-- summary: as much is kept of a column's values as of others
-- kind: change
-- server: 15-18
-- param parent definition like TABLE t
-- param name identifier
ALTER :parent ALTER COLUMN :name SET STATISTICS -1
