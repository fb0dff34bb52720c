-- summary: checks what a constraint left unchecked
-- kind: change
-- server: 15-18
-- param parent definition like TABLE t
-- param name identifier
ALTER :parent VALIDATE CONSTRAINT :name
