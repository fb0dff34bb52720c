# The comparison of schemas, and what the composer takes of a server's own SQL.
lb_add_unit_test(definition LIBS sample_sql pg_query)
lb_add_unit_test(schema LIBS schema schema_sql pg_query)
