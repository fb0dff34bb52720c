-- summary: another column
-- kind: change
-- server: 15-18
-- param parent definition like TABLE t
-- param create definition like x integer
ALTER :parent ADD COLUMN :create
