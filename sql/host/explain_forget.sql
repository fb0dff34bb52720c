-- summary: ends what host/explain_prepare has prepared
-- kind: change
-- server: 15-18
DEALLOCATE lbops_explain
