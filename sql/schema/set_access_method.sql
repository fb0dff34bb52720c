-- summary: another access method
-- kind: change
-- server: 15-18
-- param address definition like TABLE t
-- param access_method definition like heap
ALTER :address SET ACCESS METHOD :access_method
