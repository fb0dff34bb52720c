-- summary: what this transaction has come to after a statement: its locks, files and scans, the time and the log
-- kind: change
-- server: 15-18
-- note: it changes nothing but a setting that ends with the transaction. Each time it says what it has said before, too, so that the last answer tells of all statements.
-- note: a relation that the transaction has dropped has no name any more.
-- note: what the session has counted is to be seen by others once the transaction is over.
-- note: rows of catalogs tell a statement that did something from one that found nothing to do; locks and log do not.
-- param statement integer
SELECT set_config('lbops_migration.measured',
                  concat_ws(',', nullif(current_setting('lbops_migration.measured', true), ''),
                            json_build_object('statement', :statement::int8,
                                              'at', (extract(epoch FROM clock_timestamp()) * 1000000)::int8,
                                              'log', pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::int8,
                                              'catalog_rows', k.written,
                                              'held', coalesce(h.held, '[]'))),
                  true) AS measured,
       pg_stat_force_next_flush() AS flushed
  FROM (SELECT json_agg(json_build_object('id', l.relation::int8,
                                          'relation', coalesce(quote_ident(n.nspname) || '.' || quote_ident(c.relname),
                                                               format('relation %s, dropped', l.relation)),
                                          'mode', l.mode,
                                          'kind', c.relkind,
                                          'file', pg_relation_filenode(l.relation)::int8,
                                          'scans', pg_stat_get_xact_numscans(l.relation))
                        ORDER BY n.nspname, c.relname, l.mode) AS held
          FROM pg_locks l
          LEFT JOIN pg_class c ON c.oid = l.relation
          LEFT JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE l.pid = pg_backend_pid()
           AND l.granted
           AND l.locktype = 'relation'
           AND coalesce(n.nspname, '') NOT IN ('pg_catalog', 'information_schema', 'pg_toast', 'lbops_migration')) h
 CROSS JOIN (SELECT sum(pg_stat_get_xact_tuples_inserted(c.oid) + pg_stat_get_xact_tuples_updated(c.oid)
                        + pg_stat_get_xact_tuples_deleted(c.oid))::int8 AS written
               FROM pg_class c
              WHERE c.oid < 16384 /* no look at relations of users, which may be many */
                AND c.relkind = 'r') k
