-- summary: the plan of a statement that people have written, executed
-- kind: read
-- server: 15-18
-- note: only what only reads, and on throwaway branches alone: whoever asks has made sure of it.
-- param statement definition like SELECT 1
-- column query_plan json
EXPLAIN (FORMAT JSON, VERBOSE, SETTINGS, ANALYZE, BUFFERS) :statement
