-- summary: a column's default
-- kind: change
-- server: 15-18
-- param parent definition like TABLE t
-- param name identifier
-- param default_value definition like 1
ALTER :parent ALTER COLUMN :name SET DEFAULT :default_value
