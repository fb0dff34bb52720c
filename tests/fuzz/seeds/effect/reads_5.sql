EXPLAIN (ANALYZE false) DELETE FROM t;
EXPLAIN (ANALYZE) SELECT * FROM t;
PREPARE p AS SELECT * FROM t WHERE id = $1;
COPY t TO STDOUT;
SELECT set_config('statement_timeout', '5s', true);
SELECT hypopg_create_index('CREATE INDEX ON t (a)')
