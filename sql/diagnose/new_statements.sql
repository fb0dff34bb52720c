-- summary: the texts of statements that are counted for the first time, and which of them were there before in another dress
-- kind: read
-- server: 15-18
-- note: the key is that of diagnose/statements. In another dress: for another user, about a table that was made again, or with
-- note: lists of other lengths. shape is the text without the lengths of its lists.
-- note: counted_since is null up to 16, and where the extension is older than its server.
-- param schema identifier like public
-- param keys text[]
-- column key text
-- column query text
-- column is_work boolean
-- column shape integer
-- column was_there boolean
-- column counted_since timestamp null
WITH counted AS MATERIALIZED (
    SELECT concat_ws('/', s.userid, s.queryid, s.toplevel) AS key,
           s.queryid,
           left(s.query, 2000) AS query,
           (to_jsonb(s) ->> 'stats_since')::timestamptz AS counted_since,
           concat_ws('/', s.userid, s.queryid, s.toplevel) = ANY (:keys) AS is_new
      FROM :schema.pg_stat_statements(true) s
     WHERE s.dbid = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
       AND s.queryid IS NOT NULL
), old AS MATERIALIZED (
    SELECT DISTINCT c.queryid, c.query, split_part(c.query, '$', 1) AS head
      FROM counted c
     WHERE NOT c.is_new
)
SELECT n.key,
       n.query,
       n.query ~* '^(\s|\(|--[^\n]*\n|/\*([^*]|\*[^/])*\*/)*(select|with|insert|update|delete|merge|values|call)\M'
         AND n.query NOT LIKE '%/* lbops */' AS is_work,
       hashtextextended(n.shape COLLATE "C", 0) AS shape,
       EXISTS (SELECT FROM old o WHERE o.queryid = n.queryid)
         OR EXISTS (SELECT
                      FROM old o
                     WHERE o.head = split_part(n.query, '$', 1)
                       AND regexp_replace(regexp_replace(o.query, '\$\d+', '$', 'g'), '[$(](?:[\s,()$]|/\*, \.\.\. \*/)*[$)]', '$', 'g')
                           = n.shape) AS was_there,
       n.counted_since
  FROM (SELECT c.*,
               regexp_replace(regexp_replace(c.query, '\$\d+', '$', 'g'), '[$(](?:[\s,()$]|/\*, \.\.\. \*/)*[$)]', '$', 'g') AS shape
          FROM counted c
         WHERE c.is_new) n
 ORDER BY n.key
