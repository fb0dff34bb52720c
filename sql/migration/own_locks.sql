-- summary: the locks on tables and indexes that this transaction holds, as one document
-- kind: change
-- server: 15-18
-- note: it changes nothing; it is asked for at the end of a transaction that does, while everything is still held.
-- note: a relation that the transaction has dropped has no name any more.
SELECT coalesce(json_agg(json_build_object('relation', coalesce(quote_ident(n.nspname) || '.' || quote_ident(c.relname),
                                                                format('relation %s, dropped', l.relation)),
                                           'mode', l.mode)
                         ORDER BY n.nspname, c.relname, l.mode), '[]')::text AS held
  FROM pg_locks l
  LEFT JOIN pg_class c ON c.oid = l.relation
  LEFT JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE l.pid = pg_backend_pid()
   AND l.granted
   AND l.locktype = 'relation'
   AND coalesce(n.nspname, '') NOT IN ('pg_catalog', 'information_schema', 'pg_toast', 'lbops_migration')
