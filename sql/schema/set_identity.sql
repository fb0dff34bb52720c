-- summary: another kind of identity
-- kind: change
-- server: 15-18
-- param parent definition like TABLE t
-- param name identifier
-- param identity definition like ALWAYS
ALTER :parent ALTER COLUMN :name SET GENERATED :identity
