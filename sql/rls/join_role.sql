-- summary: makes a role a member of others, so that it can act as them
-- kind: change
-- server: 15-18
-- param roles identifier[]
-- param member identifier
GRANT :roles TO :member
