-- summary: drops a type that another took the place of
-- kind: change
-- server: 15-18
-- param aside definition like TYPE t
DROP :aside
