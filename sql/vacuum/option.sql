-- summary: one storage parameter with its value
-- kind: fragment
-- example: ALTER TABLE t SET (:fragment)
-- param name identifier
-- param value text
:name = :value
