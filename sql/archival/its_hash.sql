-- summary: a hash of what a column of a row says, as the server prints it, and of the column's place
-- kind: fragment
-- example: SELECT :fragment FROM pg_class t
-- param column identifier like oid
-- note: the place is part of the text: as a bound value of each column it would take up more than all of the rest.
-- param place definition like 1
coalesce(hashtextextended(t.:column::text COLLATE "C", :place), :place)
