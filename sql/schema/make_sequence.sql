-- summary: a sequence
-- kind: change
-- server: 15-18
-- param create_head definition like SEQUENCE s
-- param options definition like AS bigint START WITH 1
CREATE :create_head :options
