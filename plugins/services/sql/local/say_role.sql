-- summary: the statement that makes a role or changes its attributes, as the server quotes it
-- kind: read
-- server: 15-18
-- param makes boolean
-- param name text
-- param login boolean
-- param createdb boolean
-- param createrole boolean
-- param bypassrls boolean
-- column statement text
SELECT pg_catalog.format('%s ROLE %I %s %s %s %s',
                         CASE WHEN :makes THEN 'CREATE' ELSE 'ALTER' END,
                         :name,
                         CASE WHEN :login THEN 'LOGIN' ELSE 'NOLOGIN' END,
                         CASE WHEN :createdb THEN 'CREATEDB' ELSE 'NOCREATEDB' END,
                         CASE WHEN :createrole THEN 'CREATEROLE' ELSE 'NOCREATEROLE' END,
                         CASE WHEN :bypassrls THEN 'BYPASSRLS' ELSE 'NOBYPASSRLS' END) AS statement
