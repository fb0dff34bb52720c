-- summary: no handler for a wrapper
-- kind: change
-- server: 15-18
-- param address definition like FOREIGN DATA WRAPPER w
ALTER :address NO HANDLER
