-- summary: the tables that a change would take something from, what is known of their use, and who uses them; largest first
-- kind: read
-- server: 15-18
-- note: the size is that of the last VACUUM or ANALYZE: to ask for the one of now is to wait for whoever has locked the table.
-- note: whoever counts the rows of a table that another session has locked, or waits to, stands behind that one.
-- note: statistics have times of reading from 16 on. Of writing they have none, but how much came after the last ANALYZE.
-- param tables sql like SELECT 1::oid AS oid, ''::text AS schema, ''::text AS name, ''::text AS what
-- column schema text
-- column name text
-- column bytes integer null
-- column estimate integer null
-- column countable boolean
-- column locked boolean
-- column reads integer
-- column last_read timestamp null
-- column writes integer
-- column writes_since integer
-- column analyzed_at timestamp null
-- column users json
SELECT t.schema, t.name,
       CASE WHEN c.reltuples >= 0
            THEN (c.relpages::int8 + coalesce(o.relpages, 0)) * current_setting('block_size')::int8 END AS bytes,
       CASE WHEN c.reltuples >= 0 OR s.n_live_tup > 0 THEN greatest(c.reltuples, s.n_live_tup)::int8 END AS estimate,
       (c.relkind = 'r' OR (c.relkind = 'm' AND c.relispopulated))
         AND has_table_privilege(c.oid, 'SELECT') AND NOT row_security_active(c.oid) AS countable,
       EXISTS (SELECT FROM pg_locks l
                WHERE l.locktype = 'relation' AND l.relation = c.oid AND l.mode = 'AccessExclusiveLock' AND l.pid <> pg_backend_pid()
                  AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())) AS locked,
       coalesce(s.seq_scan, 0) + coalesce(s.idx_scan, 0) AS reads,
       greatest((to_jsonb(s) ->> 'last_seq_scan')::timestamptz, (to_jsonb(s) ->> 'last_idx_scan')::timestamptz) AS last_read,
       coalesce(s.n_tup_ins + s.n_tup_upd + s.n_tup_del, 0) AS writes,
       coalesce(s.n_mod_since_analyze, 0) AS writes_since,
       greatest(s.last_analyze, s.last_autoanalyze) AS analyzed_at,
       t.users
  FROM (SELECT u.oid, u.schema, u.name, coalesce(jsonb_agg(u.what ORDER BY u.what) FILTER (WHERE u.what IS NOT NULL), '[]') AS users
          FROM (:tables) u
         GROUP BY u.oid, u.schema, u.name) t
  JOIN pg_class c ON c.oid = t.oid
  LEFT JOIN pg_class o ON o.oid = c.reltoastrelid
  LEFT JOIN pg_stat_all_tables s ON s.relid = c.oid
 ORDER BY c.relpages DESC, t.schema, t.name
