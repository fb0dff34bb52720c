-- summary: bodies of functions may name what comes later
-- kind: change
-- server: 15-18
SET check_function_bodies TO off
