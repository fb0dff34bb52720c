-- summary: a domain that may be null
-- kind: change
-- server: 15-18
-- param address definition like DOMAIN d
ALTER :address DROP NOT NULL
