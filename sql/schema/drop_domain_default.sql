-- summary: no default for a domain
-- kind: change
-- server: 15-18
-- param address definition like DOMAIN d
ALTER :address DROP DEFAULT
