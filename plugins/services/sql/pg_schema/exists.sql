-- $1 the schema, $2 the tables that are ours. May we use it, and what is in it?
SELECT n.oid IS NOT NULL AS schema_exists,
       coalesce(has_schema_privilege(n.oid, 'USAGE'), false) AS usable,
       coalesce(has_schema_privilege(n.oid, 'CREATE'), false) AS creatable,
       has_database_privilege(current_database(), 'CREATE') AS database_creatable,
       count(c.oid) AS tables
  FROM (SELECT $1::name AS name) AS wanted
  LEFT JOIN pg_namespace AS n ON n.nspname = wanted.name
  LEFT JOIN pg_class AS c ON c.relnamespace = n.oid AND c.relkind IN ('r', 'p') AND c.relname = ANY ($2::name[])
 GROUP BY n.oid
