-- summary: other numbers for an identity
-- kind: change
-- server: 15-18
-- param parent definition like TABLE t
-- param name identifier
-- param identity_set definition like SET START WITH 1
ALTER :parent ALTER COLUMN :name :identity_set
