-- summary: what the planner knows of columns: how wide, how often null, how many values
-- kind: read
-- server: 15-18
-- note: true_share is of booleans; of other columns it says nothing.
-- note: rarest_share is of the rarest value where there are ten at most, and each of them is known.
-- note: only columns that the role may read are here. A partitioned table has its whole tree's figures.
-- column schema text
-- column relation text
-- column column_name text
-- column null_share number
-- column width integer
-- column distinct_values number
-- column correlation number null
-- column true_share number null
-- column rarest_share number null
SELECT s.schemaname::text AS schema,
       s.tablename::text AS relation,
       s.attname::text AS column_name,
       max(s.null_frac)::float8 AS null_share,
       max(s.avg_width)::int8 AS width,
       (array_agg(s.n_distinct ORDER BY s.inherited))[1]::float8 AS distinct_values,
       (array_agg(s.correlation ORDER BY s.inherited))[1]::float8 AS correlation,
       max(CASE WHEN s.n_distinct BETWEEN 1 AND 2
                THEN coalesce(s.most_common_freqs[array_position(s.most_common_vals::text::text[], 't')], 0)
            END)::float8 AS true_share,
       (array_agg(CASE WHEN s.n_distinct BETWEEN 1 AND 10
                            AND cardinality(s.most_common_freqs) = s.n_distinct
                       THEN (SELECT CASE WHEN sum(f.share) + s.null_frac > 0.999 THEN min(f.share) END
                               FROM unnest(s.most_common_freqs) f (share))
                   END ORDER BY s.inherited))[1]::float8 AS rarest_share
  FROM pg_stats s
 WHERE s.schemaname NOT IN ('pg_catalog', 'information_schema')
   AND s.schemaname !~ '^pg_(toast|temp_)'
 GROUP BY s.schemaname, s.tablename, s.attname
