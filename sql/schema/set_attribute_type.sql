-- summary: another type for an attribute of a composite type
-- kind: change
-- server: 15-18
-- param parent definition like TYPE t
-- param name identifier
-- param type definition like integer
ALTER :parent ALTER ATTRIBUTE :name TYPE :type CASCADE
