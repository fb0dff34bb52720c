-- summary: no validator for a wrapper
-- kind: change
-- server: 15-18
-- param address definition like FOREIGN DATA WRAPPER w
ALTER :address NO VALIDATOR
