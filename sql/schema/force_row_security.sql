-- summary: row level security for the owner too
-- kind: change
-- server: 15-18
-- param address definition like TABLE t
ALTER :address FORCE ROW LEVEL SECURITY
