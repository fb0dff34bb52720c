-- summary: how a column is stored
-- kind: change
-- server: 15-18
-- param parent definition like TABLE t
-- param name identifier
-- param storage definition like EXTERNAL
ALTER :parent ALTER COLUMN :name SET STORAGE :storage
