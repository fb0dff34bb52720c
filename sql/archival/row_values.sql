-- summary: a digest of the values of a row, which engines of the lakehouse come to as well
-- kind: fragment
-- param cells sql like 'x'
-- example: SELECT :fragment FROM pg_class AS t
substr(md5(convert_to(:cells, 'UTF8')), 1, 16)
