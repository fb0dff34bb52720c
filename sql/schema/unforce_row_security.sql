-- summary: row level security not for the owner
-- kind: change
-- server: 15-18
-- param address definition like TABLE t
ALTER :address NO FORCE ROW LEVEL SECURITY
