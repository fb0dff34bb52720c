-- summary: what a history that keeps counts answers, of the table that is named here
-- kind: history
-- param table_name text
-- column table_name text
-- column commits integer
-- column rows integer
SELECT h.table_name, h.commits, h.rows
  FROM sync_validation_history h
 WHERE h.table_name = :table_name
