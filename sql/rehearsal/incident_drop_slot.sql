-- summary: drops that slot, if it is there
-- kind: change
-- server: 15-18
-- param name text as name
SELECT pg_drop_replication_slot(s.slot_name)
  FROM pg_replication_slots s
 WHERE s.slot_name = :name
