-- summary: the cold rows of a range of keys
-- kind: fragment
-- example: SELECT 1 FROM pg_stat_activity t WHERE :fragment
-- param time_column identifier like backend_start
-- param type definition
-- param cutoff timestamp
-- param after sql null like AND true
-- param up_to sql null like AND true
-- param unreferenced sql null like AND true
t.:time_column < CAST(:cutoff AS :type) :after :up_to :unreferenced
