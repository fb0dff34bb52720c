-- summary: acts as ourselves again
-- kind: change
-- server: 15-18
SET LOCAL ROLE NONE
