-- summary: makes an invalid index valid
-- kind: change
-- server: 15-18
-- param address definition like INDEX i
REINDEX :address
