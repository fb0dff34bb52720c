-- summary: another query for a view whose columns stay
-- kind: change
-- server: 15-18
-- param address definition like VIEW v
-- param body definition like SELECT 1
CREATE OR REPLACE :address AS :body
