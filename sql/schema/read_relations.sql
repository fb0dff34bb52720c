-- summary: tables, views, materialised views and sequences as objects of the model
-- kind: read
-- server: 15-18
-- note: since is the number of the transaction that made the table, with the epoch before it: no statement changes the
-- note: row of its column tableoid
-- column catalog integer
-- column object integer
-- column part integer
-- column kind text
-- column schema text null
-- column address text
-- column name text null
-- column up_catalog integer
-- column up_object integer
-- column up_part integer
-- column attrs text[]
-- note: a partition has the access method and the tablespace of its parent where its own are not written
WITH parents AS (
    SELECT i.inhrelid AS relid,
           string_agg(format('%I.%I', pn.nspname, p.relname), ', ' ORDER BY i.inhseqno) AS names,
           bool_or(p.relkind = 'p' AND p.relam <> 0) AS has_method,
           bool_or(p.relkind = 'p' AND p.reltablespace <> 0) AS has_space
      FROM pg_inherits i
      JOIN pg_class p ON p.oid = i.inhparent
      JOIN pg_namespace pn ON pn.oid = p.relnamespace
     GROUP BY i.inhrelid
), owned AS (
    SELECT objid, refobjid, refobjsubid, deptype
      FROM pg_depend
     WHERE classid = 'pg_class'::regclass
       AND refclassid = 'pg_class'::regclass
       AND deptype IN ('a', 'i')
       AND refobjsubid > 0
), named AS (
    SELECT c.*,
           n.nspname,
           format('%I.%I', n.nspname, c.relname) AS identity,
           CASE WHEN am.amname <> 'heap' OR h.has_method THEN ' USING ' || quote_ident(am.amname) END AS method,
           ' TABLESPACE ' || coalesce(quote_ident(t.spcname), CASE WHEN c.relkind = 'r' AND h.has_space THEN 'pg_default' END) AS space,
           CASE c.relkind WHEN 'r' THEN 'TABLE' WHEN 'p' THEN 'TABLE' WHEN 'f' THEN 'FOREIGN TABLE' WHEN 'v' THEN 'VIEW'
                          WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'SEQUENCE' END AS word,
           CASE WHEN c.relpersistence = 'u' THEN 'UNLOGGED ' ELSE '' END AS prefix,
           CASE WHEN c.relkind = 'p' THEN ' PARTITION BY ' || pg_get_partkeydef(c.oid) ELSE '' END AS partitioning,
           am.amname,
           t.spcname,
           CASE WHEN c.relkind = 'f'
                THEN (SELECT format(' SERVER %I', s.srvname)
                               || coalesce(' OPTIONS (' || (SELECT string_agg(format('%I %L', o.option_name, o.option_value), ', ')
                                                               FROM pg_options_to_table(ft.ftoptions) o
                                                              WHERE o.option_name !~* 'passw|secret|token|private') || ')', '')
                        FROM pg_foreign_table ft
                        JOIN pg_foreign_server s ON s.oid = ft.ftserver
                       WHERE ft.ftrelid = c.oid)
                ELSE '' END AS server
      FROM pg_class c
      JOIN pg_namespace n ON n.oid = c.relnamespace
      LEFT JOIN pg_am am ON am.oid = c.relam
      LEFT JOIN pg_tablespace t ON t.oid = c.reltablespace
      LEFT JOIN parents h ON h.relid = c.oid
     WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm', 'S')
       AND c.relpersistence <> 't'
       AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
       AND c.oid NOT IN (SELECT objid FROM pg_depend WHERE classid = 'pg_class'::regclass AND deptype = 'e')
)
SELECT 'pg_class'::regclass::int8 AS catalog,
       c.oid::int8 AS object,
       0::int8 AS part,
       CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'table' WHEN 'f' THEN 'foreign_table' WHEN 'v' THEN 'view'
                      WHEN 'm' THEN 'matview' ELSE 'sequence' END AS kind,
       c.nspname::text AS schema,
       c.word || ' ' || c.identity AS address,
       c.relname::text AS name,
       CASE WHEN o.objid IS NOT NULL THEN 'pg_class'::regclass::int8 ELSE 0 END AS up_catalog,
       coalesce(o.refobjid::int8, 0) AS up_object,
       coalesce(o.refobjsubid::int8, 0) AS up_part,
       CASE
       WHEN c.relkind IN ('r', 'p', 'f')
       THEN ARRAY['owner', quote_ident(pg_get_userbyid(c.relowner)),
                  'persistence', CASE WHEN c.relkind = 'r' THEN CASE c.relpersistence WHEN 'u' THEN 'UNLOGGED' ELSE 'LOGGED' END END,
                  'partition_key', nullif(c.partitioning, ''),
                  'of_type', CASE WHEN c.reloftype <> 0 THEN format_type(c.reloftype, NULL) END,
                  'server', nullif(regexp_replace(c.server, ' OPTIONS .*$', ''), ''),
                  'access_method', quote_ident(c.amname),
                  'tablespace', quote_ident(c.spcname),
                  'since', (SELECT (next.xid - ((next.xid - a.xmin::text::int8) & 4294967295))::text
                              FROM pg_attribute a
                             WHERE a.attrelid = c.oid
                               AND a.attnum = -6),
                  'row_security', CASE WHEN c.relrowsecurity THEN 'ENABLE' END,
                  'force_security', CASE WHEN c.relforcerowsecurity THEN 'FORCE' END,
                  'create', CASE WHEN c.relispartition
                                 THEN format('CREATE %s%s %s PARTITION OF %s %s%s%s%s%s', c.prefix, c.word, c.identity,
                                             p.names, pg_get_expr(c.relpartbound, c.oid), c.partitioning, c.method,
                                             c.space, c.server)
                                 WHEN c.reloftype <> 0
                                 THEN format('CREATE %s%s %s OF %s%s%s%s', c.prefix, c.word, c.identity,
                                             format_type(c.reloftype, NULL), c.partitioning, c.method, c.space) END,
                  'create_head', c.prefix || c.word || ' ' || c.identity,
                  'create_tail', nullif(concat(' INHERITS (' || p.names || ')', c.partitioning, c.method, c.space, c.server), '')]
       WHEN c.relkind IN ('v', 'm')
       THEN ARRAY['owner', quote_ident(pg_get_userbyid(c.relowner)),
                  'access_method', quote_ident(c.amname),
                  'tablespace', quote_ident(c.spcname),
                  'create_tail', c.method,
                  'body', rtrim(pg_get_viewdef(c.oid), ';'),
                  'columns', (SELECT string_agg(format('%I %s %s', a.attname, format_type(a.atttypid, a.atttypmod), a.attcollation), ', ' ORDER BY a.attnum)
                                FROM pg_attribute a
                               WHERE a.attrelid = c.oid
                                 AND a.attnum > 0),
                  'populated', CASE WHEN c.relkind = 'm' THEN CASE WHEN c.relispopulated THEN 'WITH DATA' ELSE 'WITH NO DATA' END END]
       ELSE ARRAY['owner', CASE WHEN o.objid IS NULL THEN quote_ident(pg_get_userbyid(c.relowner)) END,
                  'persistence', CASE c.relpersistence WHEN 'u' THEN 'UNLOGGED' ELSE 'LOGGED' END,
                  'options', format('AS %s START WITH %s INCREMENT BY %s MINVALUE %s MAXVALUE %s CACHE %s %s',
                                    format_type(s.seqtypid, NULL), s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcache,
                                    CASE WHEN s.seqcycle THEN 'CYCLE' ELSE 'NO CYCLE' END),
                  'create_head', c.prefix || 'SEQUENCE ' || c.identity]
       END AS attrs
  FROM named c
  CROSS JOIN (SELECT pg_snapshot_xmax(pg_current_snapshot())::text::int8 AS xid) next
  LEFT JOIN parents p ON p.relid = c.oid
  LEFT JOIN pg_sequence s ON s.seqrelid = c.oid
  LEFT JOIN owned o ON o.objid = c.oid AND c.relkind = 'S'
 WHERE o.deptype IS DISTINCT FROM 'i'
