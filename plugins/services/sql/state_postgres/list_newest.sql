-- $1 space, $2 key, $3 prefix, $4 status, $5 owner (each but the space or null), $6 <= at <= $7, $8 limit or null. The
-- server plans it with these values, so a condition that is null costs nothing.
SELECT key, version, status, owner, at, (extract(epoch FROM ends - clock_timestamp()) * 1000000)::int8 AS left_us, body
  FROM document
 WHERE space = $1
   AND ($2 IS NULL OR key = $2)
   AND ($3 IS NULL OR key ^@ $3)
   AND ($4 IS NULL OR status = $4)
   AND ($5 IS NULL OR owner = $5)
   AND at BETWEEN $6 AND $7
 ORDER BY at DESC, key DESC
 LIMIT $8
