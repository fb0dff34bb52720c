SELECT 1;
SELECT * FROM public.orders o JOIN customers c USING (id) WHERE o.total > $1 ORDER BY 1 LIMIT 10;
SELECT lower(name), pg_catalog.upper(name), now(), count(*) OVER () FROM t;
SELECT 1 UNION ALL SELECT 2 EXCEPT SELECT 3;
WITH RECURSIVE r AS (SELECT 1 AS n UNION SELECT n + 1 FROM r WHERE n < 9) SELECT * FROM r;
SELECT relname, pg_total_relation_size(oid) FROM pg_class WHERE relkind = 'r'
