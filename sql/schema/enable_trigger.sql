-- summary: when a trigger fires
-- kind: change
-- server: 15-18
-- param parent definition like TABLE t
-- param name identifier
-- param enabled definition like DISABLE
ALTER :parent :enabled TRIGGER :name
