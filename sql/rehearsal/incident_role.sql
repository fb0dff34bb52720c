-- summary: makes a role for the sessions of a planted incident, where our own is a superuser, which nobody ends
-- kind: change
-- server: 15-18
CREATE ROLE rehearsed LOGIN
