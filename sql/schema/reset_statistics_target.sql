-- summary: extended statistics keep as much as others
-- kind: change
-- server: 15-18
-- param address definition like STATISTICS s
ALTER :address SET STATISTICS -1
