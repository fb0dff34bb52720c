-- summary: operators, casts, conversions, and dictionaries and configurations of text search as objects of the model
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
-- note: an operator's commutator and negator may not be there yet: the server then keeps their place
WITH dictionaries AS (
    SELECT d.oid, d.dictowner, n.nspname, d.dictname, format('%I.%I', n.nspname, d.dictname) AS identity, d.dictinitoption,
           format('%I.%I', tn.nspname, t.tmplname) AS template
      FROM pg_ts_dict d
      JOIN pg_namespace n ON n.oid = d.dictnamespace
      JOIN pg_ts_template t ON t.oid = d.dicttemplate
      JOIN pg_namespace tn ON tn.oid = t.tmplnamespace
     WHERE d.oid >= 16384
), configurations AS (
    SELECT c.oid, c.cfgowner, n.nspname, c.cfgname, format('%I.%I', n.nspname, c.cfgname) AS identity, c.cfgparser,
           format('%I.%I', pn.nspname, p.prsname) AS parser
      FROM pg_ts_config c
      JOIN pg_namespace n ON n.oid = c.cfgnamespace
      JOIN pg_ts_parser p ON p.oid = c.cfgparser
      JOIN pg_namespace pn ON pn.oid = p.prsnamespace
     WHERE c.oid >= 16384
), found AS (
    SELECT 'pg_operator'::regclass AS catalog, o.oid, 'operator' AS kind, n.nspname, 'OPERATOR ' || i.identity AS address,
           o.oprname AS name, 0::oid AS up_catalog, 0::oid AS up_object,
           ARRAY['owner', quote_ident(pg_get_userbyid(o.oprowner)),
                 'definition', concat(format('CREATE OPERATOR %I.%s (FUNCTION = %I.%I', n.nspname, o.oprname, fn.nspname, f.proname),
                                      ', LEFTARG = ' || CASE WHEN o.oprleft <> 0 THEN format_type(o.oprleft, NULL) END,
                                      ', RIGHTARG = ' || format_type(o.oprright, NULL),
                                      (SELECT format(', COMMUTATOR = OPERATOR(%I.%s)', xn.nspname, x.oprname)
                                         FROM pg_operator x
                                         JOIN pg_namespace xn ON xn.oid = x.oprnamespace
                                        WHERE x.oid = o.oprcom),
                                      (SELECT format(', NEGATOR = OPERATOR(%I.%s)', xn.nspname, x.oprname)
                                         FROM pg_operator x
                                         JOIN pg_namespace xn ON xn.oid = x.oprnamespace
                                        WHERE x.oid = o.oprnegate),
                                      ', RESTRICT = ' || nullif(o.oprrest, 0)::regproc,
                                      ', JOIN = ' || nullif(o.oprjoin, 0)::regproc,
                                      CASE WHEN o.oprcanhash THEN ', HASHES' END,
                                      CASE WHEN o.oprcanmerge THEN ', MERGES' END, ')')] AS attrs
      FROM pg_operator o
      JOIN pg_namespace n ON n.oid = o.oprnamespace
      JOIN pg_proc f ON f.oid = o.oprcode -- none: its place is kept for another one
      JOIN pg_namespace fn ON fn.oid = f.pronamespace, pg_identify_object('pg_operator'::regclass, o.oid, 0) i
     WHERE o.oid >= 16384
     UNION ALL
    SELECT 'pg_cast'::regclass, c.oid, 'cast', NULL,
           format('CAST (%s AS %s)', format_type(c.castsource, NULL), format_type(c.casttarget, NULL)), NULL, 0, 0,
           ARRAY['definition', format('CREATE CAST (%s AS %s) %s%s', format_type(c.castsource, NULL), format_type(c.casttarget, NULL),
                                      CASE c.castmethod WHEN 'b' THEN 'WITHOUT FUNCTION' WHEN 'i' THEN 'WITH INOUT'
                                                        ELSE 'WITH FUNCTION ' || c.castfunc::regprocedure END,
                                      CASE c.castcontext WHEN 'a' THEN ' AS ASSIGNMENT' WHEN 'i' THEN ' AS IMPLICIT' END)]
      FROM pg_cast c
     WHERE c.oid >= 16384
       AND NOT EXISTS (SELECT 1 FROM pg_depend e WHERE e.classid = 'pg_cast'::regclass AND e.objid = c.oid AND e.deptype = 'i') -- a range's
     UNION ALL
    SELECT 'pg_conversion'::regclass, c.oid, 'conversion', n.nspname, format('CONVERSION %I.%I', n.nspname, c.conname), c.conname, 0, 0,
           ARRAY['owner', quote_ident(pg_get_userbyid(c.conowner)),
                 'definition', format('CREATE %sCONVERSION %I.%I FOR %L TO %L FROM %s', CASE WHEN c.condefault THEN 'DEFAULT ' END,
                                      n.nspname, c.conname, pg_encoding_to_char(c.conforencoding),
                                      pg_encoding_to_char(c.contoencoding), c.conproc)]
      FROM pg_conversion c
      JOIN pg_namespace n ON n.oid = c.connamespace
     WHERE c.oid >= 16384
     UNION ALL
    SELECT 'pg_ts_dict'::regclass, d.oid, 'ts_dictionary', d.nspname, 'TEXT SEARCH DICTIONARY ' || d.identity, d.dictname, 0, 0,
           ARRAY['owner', quote_ident(pg_get_userbyid(d.dictowner)),
                 'template', d.template,
                 'create', format('CREATE TEXT SEARCH DICTIONARY %s (%s)', d.identity,
                                  concat_ws(', ', 'TEMPLATE = ' || d.template, d.dictinitoption))]
      FROM dictionaries d
     UNION ALL
    SELECT 0, 0, 'ts_option', d.nspname, format('OPTION %s OF TEXT SEARCH DICTIONARY %s', o.part[1], d.identity), NULL,
           'pg_ts_dict'::regclass, d.oid,
           ARRAY['definition', format('ALTER TEXT SEARCH DICTIONARY %s (%s = %s)', d.identity, o.part[1], o.part[2]),
                 'drop', format('ALTER TEXT SEARCH DICTIONARY %s (%s)', d.identity, o.part[1]), 'inline', 'yes']
      FROM dictionaries d,
           regexp_matches(d.dictinitoption, '("(?:[^"]|"")+"|[^ ,="]+) = (E?''(?:[^'']|'''')*''|[^ ,'']+)', 'g') AS o(part)
     UNION ALL
    SELECT 'pg_ts_config'::regclass, c.oid, 'ts_configuration', c.nspname, 'TEXT SEARCH CONFIGURATION ' || c.identity, c.cfgname, 0, 0,
           ARRAY['owner', quote_ident(pg_get_userbyid(c.cfgowner)),
                 'definition', format('CREATE TEXT SEARCH CONFIGURATION %s (PARSER = %s)', c.identity, c.parser)]
      FROM configurations c
     UNION ALL
    SELECT 0, 0, 'ts_mapping', c.nspname, format('MAPPING FOR %I OF TEXT SEARCH CONFIGURATION %s', t.alias, c.identity), NULL,
           'pg_ts_config'::regclass, c.oid,
           ARRAY['definition', format('ALTER TEXT SEARCH CONFIGURATION %s ADD MAPPING FOR %I WITH %s', c.identity, t.alias,
                                      string_agg(format('%I.%I', dn.nspname, d.dictname), ', ' ORDER BY m.mapseqno)),
                 'drop', format('ALTER TEXT SEARCH CONFIGURATION %s DROP MAPPING FOR %I', c.identity, t.alias)]
      FROM configurations c
      JOIN pg_ts_config_map m ON m.mapcfg = c.oid
      JOIN pg_ts_dict d ON d.oid = m.mapdict
      JOIN pg_namespace dn ON dn.oid = d.dictnamespace, ts_token_type(c.cfgparser) t
     WHERE t.tokid = m.maptokentype
     GROUP BY c.oid, c.nspname, c.identity, t.alias
)
SELECT f.catalog::oid::int8 AS catalog,
       f.oid::int8 AS object,
       0::int8 AS part,
       f.kind AS kind,
       f.nspname::text AS schema,
       f.address AS address,
       f.name::text AS name,
       f.up_catalog::int8 AS up_catalog,
       f.up_object::int8 AS up_object,
       0::int8 AS up_part,
       f.attrs AS attrs
  FROM found f
 WHERE (f.nspname IS NULL OR f.nspname !~ '^pg_' AND f.nspname <> 'information_schema')
   AND (f.catalog = 0 OR (f.catalog::oid, f.oid) NOT IN (SELECT e.classid, e.objid FROM pg_depend e WHERE e.deptype = 'e'))
   AND (f.up_catalog = 0 OR (f.up_catalog, f.up_object) NOT IN (SELECT e.classid, e.objid FROM pg_depend e WHERE e.deptype = 'e'))
