-- summary: a view
-- kind: change
-- server: 15-18
-- param address definition like VIEW v
-- param body definition like SELECT 1
CREATE :address AS :body
