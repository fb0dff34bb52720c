-- summary: the transactions that wrote into the ledger of migrations, and when
-- kind: read
-- server: 15-18
-- note: its rows are only ever added, and each has the server's clock of its own moment. Numbers as in read_commits
-- column xid integer
-- column committed_at timestamp
SELECT n.next - ((n.next - l.xmin::text::int8) & 4294967295) AS xid,
       l.recorded_at AS committed_at
  FROM lbops_migration.ledger l
 CROSS JOIN (SELECT pg_snapshot_xmax(pg_current_snapshot())::text::int8 AS next) n
