-- summary: fills a materialised view, or empties it
-- kind: change
-- server: 15-18
-- param address definition like MATERIALIZED VIEW v
-- param populated definition like WITH DATA
REFRESH :address :populated
