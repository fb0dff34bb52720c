-- summary: what is at risk, in words that change with it
-- kind: fragment
-- server: 15-18
-- note: of a table that stays the rows may come and go meanwhile: it is their order of magnitude that counts.
-- example: SELECT s.found FROM (:fragment) s
-- param counted sql[] like ('a'::text, true, 0::int8)
-- param tables sql like SELECT ''::text AS schema, ''::text AS name, ''::text AS what
SELECT concat_ws('; ', (SELECT string_agg(v.name || ': ' || CASE WHEN v.rows > 100000 THEN 'more than 100000'
                                                                 WHEN v.stays AND v.rows > 9 THEN 'at least 1' || repeat('0', length(v.rows::text) - 1)
                                                                 ELSE v.rows::text END || ' rows', '; ' ORDER BY v.name)
                          FROM (VALUES :counted) v (name, stays, rows)),
                 (SELECT string_agg(format('%s.%s: %s', u.schema, u.name, u.what), '; ' ORDER BY u.schema, u.name, u.what)
                    FROM (:tables) u WHERE u.what IS NOT NULL)) AS found
