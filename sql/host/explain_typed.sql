-- summary: a parameter where a statement's text had a literal with its type before it
-- kind: fragment
-- note: statistics write `interval $1` for `interval '1 day'`, which no server takes back.
-- param value definition like '1'
-- param type definition like int4
-- example: SELECT :fragment
CAST(:value AS :type)
