-- summary: a time without a zone of a server as text, whatever the session writes
-- kind: fragment
-- param column identifier
-- example: SELECT :fragment FROM pg_class AS t
to_char(t.:column, 'YYYY-MM-DD HH24:MI:SS.US')
