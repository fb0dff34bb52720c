-- summary: 40 bits of a hash of a whole row, so that a million of them can be summed, and of how many columns the table has
-- kind: fragment
-- example: SELECT :fragment FROM pg_class t
-- note: the hash of each column by itself takes half the time of that of the row as text. What they come to is hashed once
-- note: more: in the sum the same change in two rows, which turns the same bits over, could cancel out. A column that the
-- note: table has got since makes another digest of each row, though it is in none of the hashes.
-- param hashes sql like 1::int8
-- param table_id integer as oid
(hashtextextended((:hashes # (SELECT hashtextextended(count(*)::text COLLATE "C", 0)
                                FROM pg_attribute k
                               WHERE k.attrelid = :table_id
                                 AND k.attnum > 0
                                 AND NOT k.attisdropped))::text COLLATE "C", 0) & 1099511627775)
