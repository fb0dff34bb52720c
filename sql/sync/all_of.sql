-- summary: conditions, one after the other
-- kind: fragment
-- param one sql null like AND true
-- param two sql null like AND true
-- param three sql null like AND true
-- example: SELECT 1 FROM pg_class AS t WHERE true :fragment
:one :two :three
