-- summary: other numbers for a sequence
-- kind: change
-- server: 15-18
-- param address definition like SEQUENCE s
-- param options definition like AS bigint
ALTER :address :options
