-- summary: another schema for an extension
-- kind: change
-- server: 15-18
-- param address definition like EXTENSION e
-- param home definition like s
ALTER :address SET SCHEMA :home
