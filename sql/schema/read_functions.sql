-- summary: functions, procedures and aggregates as objects of the model
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
SELECT 'pg_proc'::regclass::int8 AS catalog,
       p.oid::int8 AS object,
       0::int8 AS part,
       CASE p.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' ELSE 'function' END AS kind,
       n.nspname::text AS schema,
       format('%s %I.%I(%s)', CASE p.prokind WHEN 'p' THEN 'PROCEDURE' WHEN 'a' THEN 'AGGREGATE' ELSE 'FUNCTION' END,
              n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)) AS address,
       p.proname::text AS name,
       0::int8 AS up_catalog,
       0::int8 AS up_object,
       0::int8 AS up_part,
       ARRAY['owner', quote_ident(pg_get_userbyid(p.proowner)),
             'signature', concat(pg_get_function_arguments(p.oid), ' -> ' || pg_get_function_result(p.oid)),
             'definition',
             CASE WHEN a.aggfnoid IS NULL THEN rtrim(pg_get_functiondef(p.oid), E'\n')
             ELSE concat(format('CREATE AGGREGATE %I.%I(%s) (SFUNC = %s, STYPE = %s', n.nspname, p.proname,
                                pg_get_function_arguments(p.oid), a.aggtransfn, format_type(a.aggtranstype, NULL)),
                         ', SSPACE = ' || nullif(a.aggtransspace, 0),
                         ', FINALFUNC = ' || nullif(a.aggfinalfn, 0)::regproc,
                         CASE WHEN a.aggfinalextra THEN ', FINALFUNC_EXTRA' END,
                         ', FINALFUNC_MODIFY = ' || CASE WHEN a.aggfinalfn <> 0 AND a.aggfinalmodify <> CASE WHEN a.aggkind = 'n' THEN 'r' ELSE 'w' END
                              THEN CASE a.aggfinalmodify WHEN 'r' THEN 'READ_ONLY' WHEN 's' THEN 'SHAREABLE' ELSE 'READ_WRITE' END END,
                         ', COMBINEFUNC = ' || nullif(a.aggcombinefn, 0)::regproc,
                         ', SERIALFUNC = ' || nullif(a.aggserialfn, 0)::regproc,
                         ', DESERIALFUNC = ' || nullif(a.aggdeserialfn, 0)::regproc,
                         ', INITCOND = ' || quote_literal(a.agginitval),
                         ', MSFUNC = ' || nullif(a.aggmtransfn, 0)::regproc,
                         ', MINVFUNC = ' || nullif(a.aggminvtransfn, 0)::regproc,
                         ', MSTYPE = ' || format_type(nullif(a.aggmtranstype, 0), NULL),
                         ', MFINALFUNC = ' || nullif(a.aggmfinalfn, 0)::regproc,
                         ', MINITCOND = ' || quote_literal(a.aggminitval),
                         ', SORTOP = OPERATOR(' || (SELECT format('%I.%s', o_n.nspname, o.oprname)
                                                      FROM pg_operator o
                                                      JOIN pg_namespace o_n ON o_n.oid = o.oprnamespace
                                                     WHERE o.oid = a.aggsortop) || ')',
                         CASE WHEN a.aggkind = 'h' THEN ', HYPOTHETICAL' END,
                         ', PARALLEL = ' || CASE p.proparallel WHEN 's' THEN 'SAFE' WHEN 'r' THEN 'RESTRICTED' END,
                         ')')
             END] AS attrs
  FROM pg_proc p
  JOIN pg_namespace n ON n.oid = p.pronamespace
  LEFT JOIN pg_aggregate a ON a.aggfnoid = p.oid
 WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
   AND p.oid NOT IN (SELECT objid FROM pg_depend WHERE classid = 'pg_proc'::regclass AND deptype = 'e')
   AND p.oid NOT IN (SELECT objid FROM pg_depend WHERE classid = 'pg_proc'::regclass AND deptype = 'i')
