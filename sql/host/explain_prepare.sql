-- summary: prepares a statement that people have written, with its parameters
-- kind: change
-- server: 15-18
-- param statement definition like SELECT $1::int4
PREPARE lbops_explain AS :statement
