-- summary: another column with its default
-- kind: change
-- server: 15-18
-- param parent definition like TABLE t
-- param create definition like x integer
-- param default_value definition like 1
ALTER :parent ADD COLUMN :create DEFAULT :default_value
