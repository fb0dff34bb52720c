-- summary: the statements that give a database the settings and privileges of the one that it was made from
-- kind: read
-- server: 15-18
-- param name text
-- param source text
-- column statement text
-- note: a template gives neither. Settings that are lists of names are kept as such, each name quoted for itself
WITH source AS (
    SELECT d.oid, d.datacl FROM pg_catalog.pg_database d WHERE d.datname = :source
), setting AS (
    SELECT r.rolname, pg_catalog.split_part(c.line, '=', 1) AS name,
           pg_catalog.substr(c.line, pg_catalog.strpos(c.line, '=') + 1) AS value
      FROM source s
      JOIN pg_catalog.pg_db_role_setting t ON t.setdatabase = s.oid
      LEFT JOIN pg_catalog.pg_roles r ON r.oid = t.setrole
     CROSS JOIN LATERAL pg_catalog.unnest(t.setconfig) AS c(line)
), said AS (
    SELECT 1 AS part, pg_catalog.format('REVOKE ALL ON DATABASE %I FROM PUBLIC', :name) AS statement
      FROM source s WHERE s.datacl IS NOT NULL
    UNION ALL
    SELECT 2, pg_catalog.format('GRANT %s ON DATABASE %I TO %s%s', a.privilege_type, :name,
                                CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(g.rolname) END,
                                CASE WHEN a.is_grantable AND a.grantee <> 0 THEN ' WITH GRANT OPTION' ELSE '' END)
      FROM source s
     CROSS JOIN LATERAL pg_catalog.aclexplode(s.datacl) a
      LEFT JOIN pg_catalog.pg_roles g ON g.oid = a.grantee
     WHERE (a.grantee = 0 OR g.rolname IS NOT NULL) AND g.rolname IS DISTINCT FROM current_user
    UNION ALL
    SELECT 3, pg_catalog.format('ALTER %s %I SET %s TO %s',
                                CASE WHEN t.rolname IS NULL THEN 'DATABASE'
                                     ELSE pg_catalog.format('ROLE %I IN DATABASE', t.rolname) END,
                                :name,
                                (SELECT pg_catalog.string_agg(pg_catalog.quote_ident(n.word), '.' ORDER BY n.nth)
                                   FROM pg_catalog.string_to_table(t.name, '.') WITH ORDINALITY AS n(word, nth)),
                                CASE WHEN t.name IN ('search_path', 'local_preload_libraries', 'temp_tablespaces',
                                                     'session_preload_libraries')
                                     THEN (SELECT coalesce(pg_catalog.string_agg(pg_catalog.quote_literal(
                                                  CASE WHEN pg_catalog.starts_with(m.hit[1], '"')
                                                       THEN pg_catalog.replace(pg_catalog.substr(m.hit[1], 2, pg_catalog.length(m.hit[1]) - 2), '""', '"')
                                                       ELSE pg_catalog.btrim(m.hit[1]) END), ', ' ORDER BY m.nth), '''''')
                                             FROM pg_catalog.regexp_matches(t.value, '("(?:[^"]|"")*"|[^",\s][^,]*)', 'g')
                                                  WITH ORDINALITY AS m(hit, nth))
                                     ELSE pg_catalog.quote_literal(t.value) END)
      FROM setting t
)
SELECT said.statement AS statement FROM said ORDER BY said.part, said.statement
