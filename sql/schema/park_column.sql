-- summary: a column as text, while its type is made anew
-- kind: change
-- server: 15-18
-- param parent definition like TABLE t
-- param name identifier
-- param text_type definition like text
-- param as_text definition like x::text
ALTER :parent ALTER COLUMN :name TYPE :text_type USING :as_text
