-- summary: has the server say, to the end of this group, what it reads and builds
-- kind: change
-- server: 15-18
-- note: for statements that no transaction can hold. A group that breaks off says RESET all the same.
SET client_min_messages TO debug1
