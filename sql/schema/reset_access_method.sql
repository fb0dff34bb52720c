-- summary: no access method of its own
-- kind: change
-- server: 17-18
-- note: of a partitioned table; what has rows always has one, and before 17 a partitioned table had none
-- param address definition like TABLE t
ALTER :address SET ACCESS METHOD DEFAULT
