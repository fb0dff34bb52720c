-- summary: notes how many rows of a table have some keys, and the sum of their digests, beside what they were planned on
-- kind: change
-- server: 15-18
-- param schema identifier like pg_catalog
-- param name identifier like pg_class
-- param forms sql[] like t.relname::text AS c1, t.oid::text AS k
-- param cells sql like f.c1
-- param keys text[]
-- param condition sql null
-- param planned text
SELECT set_config('lbops.repair_planned', :planned, false),
       set_config('lbops.repair_now', (
           SELECT concat(count(*), ' rows of digest ',
                         coalesce(sum(CAST(CAST(CAST('x' || substr(md5(:cells), 1, 15) AS bit(60)) AS bigint) AS numeric)), 0))
             FROM (SELECT :forms FROM :schema.:name AS t WHERE true :condition) AS f
            WHERE f.k = ANY (:keys)), false)
