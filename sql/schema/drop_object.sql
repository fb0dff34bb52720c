-- summary: drops an object
-- kind: change
-- server: 15-18
-- param address definition like TABLE t
DROP :address
