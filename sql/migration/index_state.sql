-- summary: an index by its name: is it whole, is somebody building it now, and what is it on
-- kind: read
-- server: 15-18
-- param schema text
-- param name text
-- column is_valid boolean
-- column is_building boolean
-- column definition text
-- column shape text
-- column is_usual boolean
SELECT x.indisvalid AND x.indisready AND x.indislive AS is_valid,
       EXISTS (SELECT FROM pg_stat_progress_create_index p WHERE p.index_relid = x.indexrelid) AS is_building,
       pg_get_indexdef(x.indexrelid) AS definition,
       concat(CASE WHEN x.indisunique THEN 'unique ' END, m.amname, ' on ', t.relname, ' (',
              (SELECT string_agg(concat(coalesce(a.attname, '(expression)'),
                                        CASE x.indoption[i] & 3 WHEN 1 THEN ' desc nulls last' WHEN 2 THEN ' nulls first'
                                                                WHEN 3 THEN ' desc' END), ', ' ORDER BY i)
                 FROM generate_series(0, x.indnkeyatts - 1) i
                 LEFT JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = x.indkey[i] AND x.indkey[i] <> 0), ')',
              (SELECT format(' include (%s)', string_agg(a.attname, ', ' ORDER BY i))
                 FROM generate_series(x.indnkeyatts::int, x.indnatts - 1) i
                 JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = x.indkey[i]
               HAVING count(*) > 0),
              CASE WHEN x.indnullsnotdistinct THEN ' nulls not distinct' END,
              CASE WHEN x.indpred IS NOT NULL THEN ' where' END) AS shape,
       NOT EXISTS (SELECT FROM generate_series(0, x.indnkeyatts - 1) i
                     JOIN pg_opclass o ON o.oid = x.indclass[i]
                     LEFT JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = x.indkey[i] AND x.indkey[i] <> 0
                    WHERE NOT o.opcdefault
                       OR x.indcollation[i] <> a.attcollation) AS is_usual
  FROM pg_index x
  JOIN pg_class c ON c.oid = x.indexrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_am m ON m.oid = c.relam
  JOIN pg_class t ON t.oid = x.indrelid
 WHERE n.nspname = :schema
   AND c.relname = :name
