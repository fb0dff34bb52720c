-- summary: and with a key behind another
-- kind: fragment
-- example: SELECT 1 FROM pg_class t WHERE true :fragment
-- param keys sql[]
-- param values sql[]
AND (:keys) > (:values)
