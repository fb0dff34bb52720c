-- summary: a column that is never null
-- kind: change
-- server: 15-18
-- param parent definition like TABLE t
-- param name identifier
ALTER :parent ALTER COLUMN :name SET NOT NULL
