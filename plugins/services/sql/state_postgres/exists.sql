-- $1 the schema. May we use it, and what is in it? Without the right to use it, its tables are not seen by name.
SELECT n.oid IS NOT NULL AS schema_exists,
       coalesce(has_schema_privilege(n.oid, 'USAGE'), false) AS usable,
       coalesce(has_schema_privilege(n.oid, 'CREATE'), false) AS creatable,
       has_database_privilege(current_database(), 'CREATE') AS database_creatable,
       count(c.oid) FILTER (WHERE c.relname IN ('store', 'document', 'batch')) AS tables
  FROM (SELECT $1::name AS name) AS wanted
  LEFT JOIN pg_namespace AS n ON n.nspname = wanted.name
  LEFT JOIN pg_class AS c ON c.relnamespace = n.oid AND c.relkind IN ('r', 'p')
 GROUP BY n.oid
