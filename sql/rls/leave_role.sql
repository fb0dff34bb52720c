-- summary: ends a role's membership in others
-- kind: change
-- server: 15-18
-- param roles identifier[]
-- param member identifier
REVOKE :roles FROM :member
