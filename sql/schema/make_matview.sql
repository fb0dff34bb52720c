-- summary: a materialised view
-- kind: change
-- server: 15-18
-- param address definition like MATERIALIZED VIEW v
-- param body definition like SELECT 1
-- param populated definition like WITH DATA
CREATE :address AS :body :populated
