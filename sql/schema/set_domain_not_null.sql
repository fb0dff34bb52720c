-- summary: a domain that is never null
-- kind: change
-- server: 15-18
-- param address definition like DOMAIN d
ALTER :address SET NOT NULL
