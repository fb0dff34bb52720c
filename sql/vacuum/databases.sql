-- summary: the age of every database, those that nobody can connect to included
-- kind: read
-- server: 15-18
-- column name text
-- column xid_age integer
-- column mxid_age integer
-- column may_connect boolean
-- column is_here boolean
SELECT d.datname::text AS name,
       age(d.datfrozenxid)::int8 AS xid_age,
       mxid_age(d.datminmxid)::int8 AS mxid_age,
       d.datallowconn AS may_connect,
       d.datname = current_database() AS is_here
  FROM pg_database d
 ORDER BY greatest(age(d.datfrozenxid), mxid_age(d.datminmxid)) DESC, name
