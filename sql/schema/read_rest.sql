-- summary: publications, statistics, collations, foreign servers, default privileges and security labels as objects of the model
-- kind: read
-- server: 15-18
-- note: secrets among the options of wrappers and servers are neither read nor compared; nor are those of user mappings
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
WITH found AS (
    SELECT 'pg_publication'::regclass AS catalog, p.oid, 'publication' AS kind, NULL::name AS nspname,
           format('PUBLICATION %I', p.pubname) AS address, p.pubname AS name, 0::oid AS up_catalog, 0::oid AS up_object,
           ARRAY['owner', quote_ident(pg_get_userbyid(p.pubowner)),
                 'all_tables', CASE WHEN p.puballtables THEN ' FOR ALL TABLES' END,
                 'options', o.text,
                 'create', format('CREATE PUBLICATION %I%s WITH (%s)', p.pubname, CASE WHEN p.puballtables THEN ' FOR ALL TABLES' END, o.text)] AS attrs
      FROM pg_publication p,
           LATERAL (SELECT format('publish = %L, publish_via_partition_root = %s',
                                  concat_ws(', ', CASE WHEN p.pubinsert THEN 'insert' END, CASE WHEN p.pubupdate THEN 'update' END,
                                            CASE WHEN p.pubdelete THEN 'delete' END, CASE WHEN p.pubtruncate THEN 'truncate' END),
                                  p.pubviaroot::text)) AS o(text)
     UNION ALL
    SELECT 'pg_publication_rel'::regclass, r.oid, 'publication_table', n.nspname,
           format('TABLE %I.%I OF PUBLICATION %I', n.nspname, c.relname, p.pubname), c.relname, 'pg_publication'::regclass, p.oid,
           ARRAY['definition', concat(format('ALTER PUBLICATION %I ADD TABLE ONLY %I.%I', p.pubname, n.nspname, c.relname),
                                      ' (' || (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum)
                                                 FROM pg_attribute a
                                                WHERE a.attrelid = c.oid AND a.attnum = ANY (r.prattrs)) || ')',
                                      ' WHERE (' || pg_get_expr(r.prqual, r.prrelid) || ')'),
                 'drop', format('ALTER PUBLICATION %I DROP TABLE ONLY %I.%I', p.pubname, n.nspname, c.relname)]
      FROM pg_publication_rel r
      JOIN pg_publication p ON p.oid = r.prpubid
      JOIN pg_class c ON c.oid = r.prrelid
      JOIN pg_namespace n ON n.oid = c.relnamespace
     UNION ALL
    SELECT 'pg_publication_namespace'::regclass, r.oid, 'publication_schema', n.nspname,
           format('SCHEMA %I OF PUBLICATION %I', n.nspname, p.pubname), n.nspname, 'pg_publication'::regclass, p.oid,
           ARRAY['definition', format('ALTER PUBLICATION %I ADD TABLES IN SCHEMA %I', p.pubname, n.nspname),
                 'drop', format('ALTER PUBLICATION %I DROP TABLES IN SCHEMA %I', p.pubname, n.nspname)]
      FROM pg_publication_namespace r
      JOIN pg_publication p ON p.oid = r.pnpubid
      JOIN pg_namespace n ON n.oid = r.pnnspid
     UNION ALL
    SELECT 'pg_statistic_ext'::regclass, s.oid, 'statistics', n.nspname, format('STATISTICS %I.%I', n.nspname, s.stxname), s.stxname,
           'pg_class'::regclass, s.stxrelid,
           ARRAY['owner', quote_ident(pg_get_userbyid(s.stxowner)),
                 'definition', pg_get_statisticsobjdef(s.oid),
                 'target', CASE WHEN s.stxstattarget >= 0 THEN s.stxstattarget::text END]
      FROM pg_statistic_ext s
      JOIN pg_namespace n ON n.oid = s.stxnamespace
     UNION ALL
    SELECT 'pg_collation'::regclass, c.oid, 'collation', n.nspname, format('COLLATION %I.%I', n.nspname, c.collname), c.collname, 0, 0,
           ARRAY['owner', quote_ident(pg_get_userbyid(c.collowner)),
                 'definition', concat(format('CREATE COLLATION %I.%I (PROVIDER = %s', n.nspname, c.collname,
                                             CASE c.collprovider WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin' ELSE 'libc' END),
                                      CASE WHEN c.collprovider = 'c'
                                           THEN format(', LC_COLLATE = %L, LC_CTYPE = %L', c.collcollate, c.collctype)
                                           ELSE format(', LOCALE = %L', coalesce(to_jsonb(c) ->> 'colllocale', to_jsonb(c) ->> 'colliculocale')) END,
                                      ', RULES = ' || quote_literal(to_jsonb(c) ->> 'collicurules'),
                                      CASE WHEN NOT c.collisdeterministic THEN ', DETERMINISTIC = false' END, ')')]
      FROM pg_collation c
      JOIN pg_namespace n ON n.oid = c.collnamespace
     UNION ALL
    SELECT 'pg_foreign_data_wrapper'::regclass, w.oid, 'fdw', NULL, format('FOREIGN DATA WRAPPER %I', w.fdwname), w.fdwname, 0, 0,
           ARRAY['owner', quote_ident(pg_get_userbyid(w.fdwowner)),
                 'handler', CASE WHEN w.fdwhandler <> 0 THEN w.fdwhandler::regproc::text END,
                 'validator', CASE WHEN w.fdwvalidator <> 0 THEN w.fdwvalidator::regproc::text END,
                 'create', concat(format('CREATE FOREIGN DATA WRAPPER %I', w.fdwname),
                                  ' HANDLER ' || CASE WHEN w.fdwhandler <> 0 THEN w.fdwhandler::regproc::text END,
                                  ' VALIDATOR ' || CASE WHEN w.fdwvalidator <> 0 THEN w.fdwvalidator::regproc::text END,
                                  ' OPTIONS (' || (SELECT string_agg(format('%I %L', o.option_name, o.option_value), ', ')
                                                     FROM pg_options_to_table(w.fdwoptions) o
                                                    WHERE o.option_name !~* 'passw|secret|token|private') || ')')]
      FROM pg_foreign_data_wrapper w
     UNION ALL
    SELECT 0, 0, 'foreign_option', NULL, format('OPTION %I OF FOREIGN DATA WRAPPER %I', o.option_name, w.fdwname), o.option_name,
           'pg_foreign_data_wrapper'::regclass, w.oid,
           ARRAY['definition', format('ALTER FOREIGN DATA WRAPPER %I OPTIONS (ADD %I %L)', w.fdwname, o.option_name, o.option_value),
                 'drop', format('ALTER FOREIGN DATA WRAPPER %I OPTIONS (DROP %I)', w.fdwname, o.option_name), 'inline', 'yes']
      FROM pg_foreign_data_wrapper w, pg_options_to_table(w.fdwoptions) o
     WHERE o.option_name !~* 'passw|secret|token|private'
     UNION ALL
    SELECT 'pg_foreign_server'::regclass, s.oid, 'server', NULL, format('SERVER %I', s.srvname), s.srvname, 0, 0,
           ARRAY['owner', quote_ident(pg_get_userbyid(s.srvowner)),
                 'wrapper', quote_ident(w.fdwname),
                 'type', s.srvtype,
                 'version', quote_literal(s.srvversion),
                 'create', concat(format('CREATE SERVER %I', s.srvname), ' TYPE ' || quote_literal(s.srvtype),
                                  ' VERSION ' || quote_literal(s.srvversion), format(' FOREIGN DATA WRAPPER %I', w.fdwname),
                                  ' OPTIONS (' || (SELECT string_agg(format('%I %L', o.option_name, o.option_value), ', ')
                                                     FROM pg_options_to_table(s.srvoptions) o
                                                    WHERE o.option_name !~* 'passw|secret|token|private') || ')')]
      FROM pg_foreign_server s
      JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw
     UNION ALL
    SELECT 0, 0, 'foreign_option', NULL, format('OPTION %I OF SERVER %I', o.option_name, s.srvname), o.option_name,
           'pg_foreign_server'::regclass, s.oid,
           ARRAY['definition', format('ALTER SERVER %I OPTIONS (ADD %I %L)', s.srvname, o.option_name, o.option_value),
                 'drop', format('ALTER SERVER %I OPTIONS (DROP %I)', s.srvname, o.option_name), 'inline', 'yes']
      FROM pg_foreign_server s, pg_options_to_table(s.srvoptions) o
     WHERE o.option_name !~* 'passw|secret|token|private'
     UNION ALL
    SELECT 0, 0, 'user_mapping', NULL, format('USER MAPPING FOR %s SERVER %I', m.who, m.srvname), m.usename, 'pg_foreign_server'::regclass,
           m.srvid, ARRAY['definition', format('CREATE USER MAPPING FOR %s SERVER %I', m.who, m.srvname)]
      FROM (SELECT u.*, CASE WHEN u.umuser = 0 THEN 'PUBLIC' ELSE quote_ident(u.usename) END AS who FROM pg_user_mappings u) m
     UNION ALL
    SELECT 0, 0, 'security_label', NULL, format('LABEL %I OF %s %s', l.provider, upper(l.objtype), l.objname), l.objname::name, 0, 0,
           ARRAY['definition', format('SECURITY LABEL FOR %I ON %s %s IS %L', l.provider, upper(l.objtype), l.objname, l.label),
                 'drop', format('SECURITY LABEL FOR %I ON %s %s IS NULL', l.provider, upper(l.objtype), l.objname)]
      FROM pg_seclabels l
     WHERE l.objtype NOT IN ('role', 'database', 'tablespace')
), default_acls AS (
    SELECT d.defaclrole, d.defaclnamespace, d.defaclobjtype, d.defaclacl AS acl,
           CASE WHEN d.defaclnamespace = 0
                THEN acldefault(CASE d.defaclobjtype WHEN 'S' THEN 's' ELSE d.defaclobjtype END, d.defaclrole) END AS usual
      FROM pg_default_acl d
), differing AS (
    SELECT 'GRANT' AS verb, d.defaclrole, d.defaclnamespace, d.defaclobjtype, x.grantee, x.privilege_type, bool_or(x.is_grantable) AS grantable
      FROM default_acls d, aclexplode(d.acl) x
     WHERE NOT EXISTS (SELECT 1 FROM aclexplode(d.usual) u WHERE u.grantee = x.grantee AND u.privilege_type = x.privilege_type)
     GROUP BY 2, 3, 4, 5, 6
     UNION ALL
    SELECT 'REVOKE', d.defaclrole, d.defaclnamespace, d.defaclobjtype, x.grantee, x.privilege_type, false
      FROM default_acls d, aclexplode(d.usual) x
     WHERE NOT EXISTS (SELECT 1 FROM aclexplode(d.acl) u WHERE u.grantee = x.grantee AND u.privilege_type = x.privilege_type)
), defaults AS (
    SELECT d.*,
           n.nspname,
           concat('ALTER DEFAULT PRIVILEGES FOR ROLE ' || quote_ident(pg_get_userbyid(d.defaclrole)), ' IN SCHEMA ' || quote_ident(n.nspname)) AS head,
           format('%s ON %s', d.privilege_type, CASE d.defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES' WHEN 'f' THEN 'FUNCTIONS'
                                                                     WHEN 'T' THEN 'TYPES' WHEN 'n' THEN 'SCHEMAS' ELSE 'LARGE OBJECTS' END) AS what,
           CASE d.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(d.grantee)) END AS whom
      FROM differing d
      LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace
     WHERE n.oid IS NOT NULL OR d.defaclnamespace = 0
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
 UNION ALL
SELECT 0,
       0,
       0,
       'default_privilege',
       d.nspname::text,
       format('%s %s %s TO %s', d.head, d.verb, d.what, d.whom),
       NULL,
       CASE WHEN d.defaclnamespace <> 0 THEN 'pg_namespace'::regclass::int8 ELSE 0 END,
       d.defaclnamespace::int8,
       0,
       ARRAY['definition', CASE d.verb WHEN 'GRANT'
                           THEN concat(format('%s GRANT %s TO %s', d.head, d.what, d.whom), CASE WHEN d.grantable THEN ' WITH GRANT OPTION' END)
                           ELSE format('%s REVOKE %s FROM %s', d.head, d.what, d.whom) END,
             'drop', CASE d.verb WHEN 'GRANT' THEN format('%s REVOKE %s FROM %s', d.head, d.what, d.whom)
                                 ELSE format('%s GRANT %s TO %s', d.head, d.what, d.whom) END]
  FROM defaults d
