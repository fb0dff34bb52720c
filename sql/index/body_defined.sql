-- summary: an index as another one of the same columns is
-- kind: fragment
-- example: CREATE INDEX i ON t :fragment
-- param body definition like (x)
:body
