-- summary: a comment, or none
-- kind: change
-- server: 15-18
-- param address definition like TABLE t
-- param comment text null
COMMENT ON :address IS :comment
