-- summary: writes rows anew with another row's value of a column, counts what that adds to the log, and undoes it
-- kind: change
-- server: 15-18
-- note: its last step always fails, which is how it is undone, whoever runs it. The error holds what was counted, in
-- note: the same words in every language: "lbops ROWS BYTES".
-- param schema identifier like pg_catalog
-- param table identifier like pg_class
-- param column identifier like relname
-- param most integer
WITH chosen AS MATERIALIZED (
    SELECT t.part, t.place, t.value, row_number() OVER () - 1 AS number, count(*) OVER () AS rows
      FROM (SELECT s.tableoid AS part, s.ctid AS place, s.:column AS value
              FROM :schema.:table s
             LIMIT :most) t
), began AS MATERIALIZED (
    SELECT pg_current_wal_insert_lsn() AS place
      FROM (SELECT count(*) FROM chosen) c
), written AS (
    UPDATE :schema.:table t
       SET :column = other.value
      FROM began, chosen own
      JOIN chosen other ON other.number = (own.number + own.rows / 2) % own.rows
     WHERE t.tableoid = own.part
       AND t.ctid = own.place
    RETURNING began.place AS began
)
SELECT ('lbops ' || count(*) || ' ' || coalesce(pg_current_wal_insert_lsn() - min(w.began), 0))::int8 AS undone
  FROM written w
