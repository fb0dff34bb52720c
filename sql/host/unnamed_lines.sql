-- summary: lines that name no table: each is schema.table or table, or the beginning of one with a * at its end
-- kind: read
-- server: 15-18
-- param lines text[]
-- column line text
SELECT q.line
  FROM unnest(:lines) WITH ORDINALITY AS q (line, place)
 WHERE NOT EXISTS (SELECT
                     FROM pg_catalog.pg_class t
                     JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace
                    CROSS JOIN LATERAL (VALUES (t.relname::text), (format('%s.%s', n.nspname, t.relname))) AS s (name)
                    WHERE t.relkind IN ('r', 'p', 'f')
                      AND n.nspname NOT IN ('pg_catalog', 'information_schema')
                      AND n.nspname !~ '^pg_toast'
                      AND CASE WHEN right(q.line, 1) = '*'
                               THEN starts_with(s.name, left(q.line, -1))
                               ELSE s.name = q.line
                          END)
 ORDER BY q.place
