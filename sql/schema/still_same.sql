-- summary: whether all rows that the catalogues had at a moment are still there
-- kind: read
-- server: 15-18
-- note: who writes a row anew takes the old one away. What came later counts for nothing
-- param rows sql like SELECT 1::int8 AS xid, 1::int8 AS mark
-- param snapshot text
-- param total text
-- column is_same boolean
WITH moment AS (
    SELECT :snapshot::pg_snapshot AS seen,
           pg_snapshot_xmin(:snapshot::pg_snapshot)::text::int8 AS certain,
           pg_snapshot_xmax(pg_current_snapshot())::text::int8 AS next
), numbered AS (
    SELECT r.xid, r.mark, m.next - ((m.next - r.xid) & 4294967295) AS whole, m.seen, m.certain
      FROM (:rows) r
     CROSS JOIN moment m
)
SELECT concat_ws(' ', count(*), sum(n.mark)) = :total AS is_same
  FROM numbered n
 WHERE n.whole < n.certain
    OR pg_visible_in_snapshot(n.whole::text::xid8, n.seen)
