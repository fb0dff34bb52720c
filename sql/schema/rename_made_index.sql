-- summary: gives the index of a partition that the server has made, and named, another name
-- kind: change
-- server: 15-18
-- note: where the server has called it otherwise after all, nothing is done.
-- param index_schema identifier
-- param made_name identifier
-- param index_name identifier
ALTER INDEX IF EXISTS :index_schema.:made_name RENAME TO :index_name
