-- summary: the statements of this database that wrote most to temporary files
-- kind: read
-- server: 15-18
-- note: a role is set by itself, by superusers, and by those with CREATEROLE (from 16 on, and ADMIN OPTION on it); one that
-- note: is a superuser by superusers alone.
-- param schema identifier like public
-- column queryid text
-- column user_name text null
-- column may_be_set boolean
-- column calls integer
-- column blocks integer
SELECT s.queryid::text AS queryid,
       (SELECT r.rolname::text FROM pg_roles r WHERE r.oid = s.userid) AS user_name,
       EXISTS (SELECT
                 FROM pg_roles me
                      JOIN pg_roles r ON r.oid = s.userid
                WHERE me.rolname = current_user
                  AND (me.rolsuper OR me.oid = r.oid
                       OR me.rolcreaterole AND NOT r.rolsuper
                          AND (current_setting('server_version_num')::int < 160000
                               OR pg_has_role(r.oid, 'MEMBER WITH ADMIN OPTION')))) AS may_be_set,
       s.calls,
       s.temp_blks_written AS blocks
  FROM :schema.pg_stat_statements(false) s
 WHERE s.temp_blks_written > 0
   AND s.queryid IS NOT NULL
   AND s.dbid = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
 ORDER BY s.temp_blks_written DESC, s.queryid
 LIMIT 3
