-- summary: objects that the model compares and does not make: operator classes, base types, languages, subscriptions, settings
-- kind: read
-- server: 15-18
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
-- note: what a database is set to may be a secret: its digest stands for it
WITH ours AS (
    SELECT d.oid, d.datdba, coalesce(d.datacl, acldefault('d', d.datdba)) AS acl
      FROM pg_database d
     WHERE d.datname = current_database()
), found AS (
    SELECT 'pg_opclass'::regclass::oid AS catalog, x.oid,
           concat_ws(' ', x.opcdefault, x.opcintype::regtype, nullif(x.opckeytype, 0)::regtype, f.opfname) AS definition
      FROM pg_opclass x
      JOIN pg_opfamily f ON f.oid = x.opcfamily
     UNION ALL
    SELECT 'pg_opfamily'::regclass, x.oid,
           concat((SELECT string_agg(format('%s %s %s', a.amopstrategy, a.amopopr::regoperator, a.amoppurpose), ', '
                                     ORDER BY a.amopstrategy, a.amopopr::regoperator::text)
                     FROM pg_amop a
                    WHERE a.amopfamily = x.oid), '; ',
                  (SELECT string_agg(format('%s %s', p.amprocnum, p.amproc::regprocedure), ', '
                                     ORDER BY p.amprocnum, p.amproc::regprocedure::text)
                     FROM pg_amproc p
                    WHERE p.amprocfamily = x.oid))
      FROM pg_opfamily x
     WHERE x.oid >= 16384
     UNION ALL
    SELECT 'pg_ts_parser'::regclass, x.oid, concat_ws(' ', x.prsstart, x.prstoken, x.prsend, x.prsheadline, x.prslextype)
      FROM pg_ts_parser x
     UNION ALL
    SELECT 'pg_ts_template'::regclass, x.oid, concat_ws(' ', x.tmplinit, x.tmpllexize) FROM pg_ts_template x
     UNION ALL
    SELECT 'pg_transform'::regclass, x.oid, concat_ws(' ', x.trffromsql, x.trftosql) FROM pg_transform x
     UNION ALL
    SELECT 'pg_language'::regclass, x.oid,
           concat_ws(' ', x.lanpltrusted, nullif(x.lanplcallfoid, 0)::regproc, nullif(x.laninline, 0)::regproc,
                     nullif(x.lanvalidator, 0)::regproc)
      FROM pg_language x
     UNION ALL
    SELECT 'pg_am'::regclass, x.oid, concat_ws(' ', x.amtype, x.amhandler) FROM pg_am x
     UNION ALL
    SELECT 'pg_type'::regclass, x.oid,
           concat_ws(' ', x.typisdefined, x.typlen, x.typalign, x.typstorage, x.typinput, x.typoutput, x.typdefault)
      FROM pg_type x
     WHERE x.typtype = 'p' OR x.typtype = 'b' AND x.typcategory <> 'A'
)
SELECT f.catalog::int8 AS catalog,
       f.oid::int8 AS object,
       0::int8 AS part,
       'other' AS kind,
       i.schema AS schema,
       upper(i.type) || ' ' || i.identity AS address,
       NULL::text AS name,
       0::int8 AS up_catalog,
       0::int8 AS up_object,
       0::int8 AS up_part,
       ARRAY['definition', f.definition] AS attrs
  FROM found f, pg_identify_object(f.catalog, f.oid, 0) i
 WHERE f.oid >= 16384
   AND (i.schema IS NULL OR i.schema !~ '^pg_' AND i.schema <> 'information_schema')
   AND (f.catalog, f.oid) NOT IN (SELECT e.classid, e.objid FROM pg_depend e WHERE e.deptype = 'e')
 UNION ALL
SELECT 'pg_subscription'::regclass::int8,
       s.oid::int8,
       0,
       'other',
       NULL,
       format('SUBSCRIPTION %I', s.subname),
       NULL,
       0,
       0,
       0,
       ARRAY['definition', concat_ws(' ', s.subenabled, s.subslotname, s.subpublications, s.subsynccommit)]
  FROM pg_subscription s
  JOIN ours o ON o.oid = s.subdbid
 UNION ALL
SELECT 0,
       0,
       0,
       'setting',
       NULL,
       format('SETTING %s OF %s', split_part(c.setting, '=', 1),
              coalesce('ROLE ' || quote_ident(pg_get_userbyid(nullif(s.setrole, 0))) || ' IN the database', 'the database')),
       NULL,
       0,
       0,
       0,
       ARRAY['definition', md5(c.setting)]
  FROM pg_db_role_setting s
  JOIN ours o ON o.oid = s.setdatabase, unnest(s.setconfig) AS c(setting)
 UNION ALL
SELECT 0,
       0,
       0,
       'database_privileges',
       NULL,
       'PRIVILEGES ON the database',
       NULL,
       0,
       0,
       0,
       ARRAY['definition', string_agg(concat(CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(x.grantee)) END, ' ',
                                             x.privilege_type, CASE WHEN x.is_grantable THEN '*' END),
                                      ', ' ORDER BY pg_get_userbyid(x.grantee), x.privilege_type)]
  FROM ours o, aclexplode(o.acl) x
 WHERE x.grantee <> o.datdba
