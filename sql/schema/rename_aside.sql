-- summary: moves a type out of the way of its successor
-- kind: change
-- server: 15-18
-- param address definition like TYPE t
-- param aside_name definition like old_t
ALTER :address RENAME TO :aside_name
