-- summary: another owner
-- kind: change
-- server: 15-18
-- param address definition like TABLE t
-- param owner definition like somebody
ALTER :address OWNER TO :owner
