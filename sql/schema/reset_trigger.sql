-- summary: a trigger fires as usual
-- kind: change
-- server: 15-18
-- param parent definition like TABLE t
-- param name identifier
ALTER :parent ENABLE TRIGGER :name
