-- summary: gives a column another name
-- kind: change
-- server: 15-18
-- param parent definition like TABLE t
-- param name identifier
-- param new_name identifier
ALTER :parent RENAME COLUMN :name TO :new_name
