-- summary: a column's type by the same name, made anew
-- kind: change
-- server: 15-18
-- param parent definition like TABLE t
-- param name identifier
-- param type definition like integer
-- param collation definition null like COLLATE "C"
-- param recast definition like x::text::integer
ALTER :parent ALTER COLUMN :name TYPE :type :collation USING :recast
