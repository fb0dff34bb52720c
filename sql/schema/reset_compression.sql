-- summary: a column is compressed as the server says
-- kind: change
-- server: 15-18
-- param parent definition like TABLE t
-- param name identifier
ALTER :parent ALTER COLUMN :name SET COMPRESSION default
