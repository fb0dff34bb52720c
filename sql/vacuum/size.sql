-- summary: the real size of a table, and where the server keeps it
-- kind: read
-- server: 15-18
-- note: waits behind an exclusive lock on the table, as everything does that looks at its files.
-- param relation integer
-- column heap_bytes integer
-- column index_bytes integer
-- column total_bytes integer
-- column in_default_tablespace boolean
SELECT pg_relation_size(c.oid) AS heap_bytes,
       pg_indexes_size(c.oid) AS index_bytes,
       pg_total_relation_size(c.oid) AS total_bytes,
       c.reltablespace = 0
           AND (SELECT d.dattablespace FROM pg_database d WHERE d.datname = current_database()) = 1663
           AS in_default_tablespace
  FROM pg_class c
 WHERE c.oid = :relation::oid
