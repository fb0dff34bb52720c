-- summary: logged or unlogged
-- kind: change
-- server: 15-18
-- param address definition like TABLE t
-- param persistence definition like LOGGED
ALTER :address SET :persistence
