-- summary: a table of columns
-- kind: change
-- server: 15-18
-- param create_head definition like TABLE t
-- param columns sql[] null like x integer
-- param create_tail definition null like PARTITION BY LIST (x)
CREATE :create_head (:columns) :create_tail
