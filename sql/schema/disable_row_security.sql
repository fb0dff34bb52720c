-- summary: row level security off
-- kind: change
-- server: 15-18
-- param address definition like TABLE t
ALTER :address DISABLE ROW LEVEL SECURITY
