-- summary: an identity for a column
-- kind: change
-- server: 15-18
-- param parent definition like TABLE t
-- param name identifier
-- param identity definition like ALWAYS
-- param identity_options definition like START WITH 1
ALTER :parent ALTER COLUMN :name ADD GENERATED :identity AS IDENTITY (:identity_options)
