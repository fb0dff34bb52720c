-- summary: an array for a copy, from JSON
-- kind: fragment
-- param name identifier
-- param type text
-- example: SELECT :fragment FROM pg_class AS s
from_json(s.:name, :type)
