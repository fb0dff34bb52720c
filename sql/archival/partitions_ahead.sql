-- summary: partitions that a table will need, going on as its last ones do: step, time zone, schema and name
-- kind: read
-- server: 15-18
-- note: one row at least, where there are partitions by range of one column of time. why says that nothing can be
-- note: concluded from them. A step is one of the calendar (months, days) or a length of time. Of two time zones in which
-- note: the last ranges are alike, the one counts in which they begin at midnight. They reach beyond eight days at
-- note: least: until somebody looks again. owner is the table's, where that is somebody else. A month is not thirty days,
-- note: though they compare as equal.
-- param parent_id integer as oid
-- param now timestamp
-- param ahead integer
-- param most integer
-- column why text null
-- column schema text null
-- column name text null
-- column lower_bound text null
-- column upper_bound text null
-- column step text null
-- column is_taken boolean
-- column owner text null
WITH parts AS MATERIALIZED (
    SELECT c.relname::text AS name, n.nspname::text AS schema, p.relname::text AS parent, a.atttypid = 'timestamptz'::regtype AS has_zone,
           substring(b.bound FROM $$FROM \('([^']*)'$$)::timestamptz AS lo, substring(b.bound FROM $$TO \('([^']*)'$$)::timestamptz AS up,
           b.bound <> 'DEFAULT' AND b.bound !~ $$TO \('$$ AS is_open, c.relkind = 'p' AS is_split
      FROM pg_partitioned_table t
      JOIN pg_class p ON p.oid = t.partrelid
      JOIN pg_attribute a ON a.attrelid = t.partrelid AND a.attnum = t.partattrs[0]
      JOIN pg_inherits h ON h.inhparent = t.partrelid
      JOIN pg_class c ON c.oid = h.inhrelid
      JOIN pg_namespace n ON n.oid = c.relnamespace
     CROSS JOIN LATERAL (SELECT pg_get_expr(c.relpartbound, c.oid) AS bound) b
     WHERE t.partrelid = :parent_id
       AND t.partstrat = 'r'
       AND t.partnatts = 1
       AND a.atttypid IN ('timestamptz'::regtype, 'timestamp'::regtype, 'date'::regtype)
), latest AS MATERIALIZED (
    SELECT q.*, row_number() OVER (ORDER BY q.up DESC) AS back
      FROM parts q
     WHERE q.lo IS NOT NULL AND isfinite(q.lo) AND isfinite(q.up)
     ORDER BY q.up DESC
     LIMIT 4
), zones AS (
    SELECT z.place, z.zone,
           bool_and((l.lo AT TIME ZONE z.zone)::time = '00:00') AS at_midnight,
           min(age(l.up AT TIME ZONE z.zone, l.lo AT TIME ZONE z.zone)) AS calendar_step,
           count(DISTINCT age(l.up AT TIME ZONE z.zone, l.lo AT TIME ZONE z.zone)::text) AS calendar_steps,
           min((l.up AT TIME ZONE z.zone) - (l.lo AT TIME ZONE z.zone)) AS plain_step,
           count(DISTINCT (l.up AT TIME ZONE z.zone) - (l.lo AT TIME ZONE z.zone)) AS plain_steps
      FROM (SELECT min(v.place) AS place, v.zone
              FROM (VALUES (1, 'UTC'),
                           (2, (SELECT s.reset_val FROM pg_settings s WHERE s.name = 'TimeZone')),
                           (3, (SELECT substring(o.item FROM '^[Tt]ime[Zz]one=(.*)$')
                                  FROM pg_db_role_setting d
                                  JOIN pg_database w ON w.oid = d.setdatabase AND w.datname = current_database()
                                 CROSS JOIN unnest(d.setconfig) AS o(item)
                                 WHERE d.setrole = 0 AND o.item ILIKE 'timezone=%'))) AS v(place, zone)
             WHERE v.zone IN (SELECT t.name FROM pg_timezone_names t)
             GROUP BY v.zone) z
     CROSS JOIN latest l
     WHERE z.zone = 'UTC' OR l.has_zone
     GROUP BY z.place, z.zone
), chosen AS (
    SELECT z.zone, CASE WHEN z.calendar_steps = 1 THEN z.calendar_step ELSE z.plain_step END AS step
      FROM zones z
     WHERE z.calendar_steps = 1 OR z.plain_steps = 1
     ORDER BY z.at_midnight DESC, z.calendar_steps = 1 DESC, z.place
     LIMIT 1
), shown AS (
    SELECT max(l.name) FILTER (WHERE l.back = 1) AS name, max(l.name) FILTER (WHERE l.back = 2) AS before,
           max(l.schema) FILTER (WHERE l.back = 1) AS schema, max(l.parent) AS parent, bool_and(l.has_zone) AS has_zone,
           max(l.lo) AS lo, max(l.lo) FILTER (WHERE l.back = 2) AS lo_before, max(l.up) AS up, count(*) AS ranges,
           bool_or(l.is_split) AS is_split,
           count(*) - 1 = (SELECT count(*) FROM latest x JOIN latest y ON y.lo = x.up) AS joins_up
      FROM latest l
), judged AS (
    SELECT CASE WHEN s.is_split THEN 'its partitions are partitioned themselves'
                WHEN s.ranges < 2 THEN 'a step takes two partitions with both ends'
                WHEN NOT s.joins_up THEN 'there are gaps between its last partitions'
                WHEN c.step IS NULL THEN 'its last partitions are of different lengths' END AS why
      FROM shown s
      LEFT JOIN chosen c ON true
     WHERE EXISTS (SELECT FROM parts)
       AND NOT EXISTS (SELECT FROM parts q WHERE q.is_open)
), pattern AS (
    SELECT f.form
      FROM unnest(ARRAY['YYYY_MM_DD_HH24', 'YYYYMMDD_HH24', 'YYYYMMDDHH24', 'YYYY_MM_DD', 'YYYY-MM-DD', 'YYYYMMDD', 'IYYY"_w"IW',
                        'IYYY"w"IW', 'YYYY_MM', 'YYYY-MM', 'YYYYMM', 'YYYY"_q"Q', 'YYYY"q"Q', 'YYYY']) WITH ORDINALITY AS f(form, place)
     CROSS JOIN shown s
     CROSS JOIN chosen c
     WHERE strpos(s.name, to_char(s.lo AT TIME ZONE c.zone, f.form)) > 0
       AND replace(s.name, to_char(s.lo AT TIME ZONE c.zone, f.form), '*')
           = replace(s.before, to_char(s.lo_before AT TIME ZONE c.zone, f.form), '*')
     ORDER BY f.place
     LIMIT 1
), wanted AS (
    SELECT s.schema, s.has_zone, c.step, c.zone,
           (s.up AT TIME ZONE c.zone) + c.step * k AS lo, (s.up AT TIME ZONE c.zone) + c.step * (k + 1) AS up,
           s.name AS last_name, to_char(s.lo AT TIME ZONE c.zone, p.form) AS last_mark, p.form, s.parent
      FROM shown s
     CROSS JOIN chosen c
     CROSS JOIN generate_series(0, :most - 1) k
      LEFT JOIN pattern p ON true
     WHERE (s.up AT TIME ZONE c.zone) + c.step * k
           <= (:now AT TIME ZONE c.zone) + greatest(c.step * :ahead, interval '8 days')
), named AS (
    SELECT w.*, CASE WHEN w.form IS NULL
                     THEN left(w.parent, 45) || to_char(w.lo, CASE WHEN w.step < '1 day' THEN '"_p"YYYYMMDD_HH24MI' ELSE '"_p"YYYYMMDD' END)
                     ELSE replace(w.last_name, w.last_mark, to_char(w.lo, w.form)) END AS name
      FROM wanted w
)
SELECT j.why,
       n.schema,
       n.name,
       CASE WHEN n.has_zone THEN to_char(n.lo AT TIME ZONE n.zone, 'YYYY-MM-DD HH24:MI:SS.US"+00"')
            ELSE to_char(n.lo, 'YYYY-MM-DD HH24:MI:SS.US') END AS lower_bound,
       CASE WHEN n.has_zone THEN to_char(n.up AT TIME ZONE n.zone, 'YYYY-MM-DD HH24:MI:SS.US"+00"')
            ELSE to_char(n.up, 'YYYY-MM-DD HH24:MI:SS.US') END AS upper_bound,
       n.step::text AS step,
       EXISTS (SELECT FROM pg_class c JOIN pg_namespace m ON m.oid = c.relnamespace
                WHERE m.nspname = n.schema AND c.relname = n.name) AS is_taken,
       (SELECT r.rolname::text FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner
         WHERE c.oid = :parent_id AND r.rolname <> current_user) AS owner
  FROM judged j
  LEFT JOIN named n ON j.why IS NULL
 WHERE j.why IS NOT NULL
    OR n.name IS NOT NULL
 ORDER BY n.lo
