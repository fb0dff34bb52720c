-- summary: a column is stored as its type usually is
-- kind: change
-- server: 15-18
-- param parent definition like TABLE t
-- param name identifier
-- param usual_storage definition like EXTENDED
ALTER :parent ALTER COLUMN :name SET STORAGE :usual_storage
