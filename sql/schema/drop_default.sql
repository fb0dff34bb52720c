-- summary: no default for a column
-- kind: change
-- server: 15-18
-- param parent definition like TABLE t
-- param name identifier
ALTER :parent ALTER COLUMN :name DROP DEFAULT
