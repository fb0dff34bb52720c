-- summary: gives that role the table of the incident
-- kind: change
-- server: 15-18
ALTER TABLE rehearsed.incident OWNER TO rehearsed
