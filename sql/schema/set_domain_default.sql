-- summary: a domain's default
-- kind: change
-- server: 15-18
-- param address definition like DOMAIN d
-- param default_value definition like 1
ALTER :address SET DEFAULT :default_value
