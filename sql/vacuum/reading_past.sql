-- summary: the first reading of the transaction counter past an id, by which time that one had been given out
-- kind: history
-- note: next_xid is where the counter stands now: what is past that is of another cluster.
-- param project text
-- param branch text
-- param since timestamp
-- param xid integer
-- param next_xid integer
-- column read_at timestamp null
SELECT min(k.snapshot_timestamp) AS read_at
  FROM lakebase_metrics k
 WHERE k.project_id = :project
   AND k.branch_id = :branch
   AND k.metric_name = 'next_xid'
   AND k.metric_value > :xid
   AND k.metric_value <= :next_xid
   AND k.snapshot_timestamp >= :since
