-- summary: writes into the ledger that an index is built, where it is: an index of that name may be there and be of no use
-- kind: change
-- server: 15-18
-- param kind text
-- param version text
-- param script text
-- param generation integer
-- param step integer as int4
-- param steps integer as int4
-- param checksum text
-- param meaning text
-- param schema text
-- param name text
INSERT INTO lbops_migration.ledger (kind, version, script, generation, state, step, steps, checksum, meaning)
SELECT :kind, :version, :script, :generation, 'done', :step, :steps, :checksum, :meaning
 WHERE EXISTS (SELECT FROM pg_index x
                 JOIN pg_class c ON c.oid = x.indexrelid
                 JOIN pg_namespace n ON n.oid = c.relnamespace
                WHERE n.nspname = :schema
                  AND c.relname = :name
                  AND x.indisvalid
                  AND x.indisready
                  AND x.indislive)
