-- summary: lets that role do what its sessions are to do
-- kind: change
-- server: 15-18
ALTER SCHEMA rehearsed OWNER TO rehearsed
