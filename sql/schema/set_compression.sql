-- summary: how a column is compressed
-- kind: change
-- server: 15-18
-- param parent definition like TABLE t
-- param name identifier
-- param compression definition like pglz
ALTER :parent ALTER COLUMN :name SET COMPRESSION :compression
