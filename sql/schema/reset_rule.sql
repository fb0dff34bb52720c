-- summary: a rule applies as usual
-- kind: change
-- server: 15-18
-- param parent definition like TABLE t
-- param name identifier
ALTER :parent ENABLE RULE :name
