-- summary: writes so much WAL
-- kind: change
-- server: 15-18
-- param megabytes integer
SELECT count(pg_logical_emit_message(false, 'rehearsed', repeat('x', 1048576)))
  FROM generate_series(1, :megabytes)
