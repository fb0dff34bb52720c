-- summary: how far back the audit log reaches
-- kind: history
-- column began_at timestamp null
-- column ended_at timestamp null
SELECT min(h.at) AS began_at, max(h.at) AS ended_at
  FROM audit_log h
