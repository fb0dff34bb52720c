-- summary: how much extended statistics keep
-- kind: change
-- server: 15-18
-- param address definition like STATISTICS s
-- param target definition like 100
ALTER :address SET STATISTICS :target
