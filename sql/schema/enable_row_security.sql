-- summary: row level security on
-- kind: change
-- server: 15-18
-- param address definition like TABLE t
ALTER :address ENABLE ROW LEVEL SECURITY
