-- summary: another handler of a wrapper
-- kind: change
-- server: 15-18
-- param address definition like FOREIGN DATA WRAPPER w
-- param handler definition like f
ALTER :address HANDLER :handler
