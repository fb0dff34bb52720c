-- summary: another validator of a wrapper
-- kind: change
-- server: 15-18
-- param address definition like FOREIGN DATA WRAPPER w
-- param validator definition like f
ALTER :address VALIDATOR :validator
