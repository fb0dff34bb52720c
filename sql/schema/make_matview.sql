-- summary: a materialised view
-- kind: change
-- server: 15-18
-- param address definition like MATERIALIZED VIEW v
-- param create_tail definition null like USING heap
-- param body definition like SELECT 1
-- param populated definition like WITH DATA
CREATE :address :create_tail AS :body :populated
