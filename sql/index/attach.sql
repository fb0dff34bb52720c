-- summary: makes a partition's index part of its parent's; the parent's is valid with the last one
-- kind: change
-- server: 15-18
-- note: one that is attached already stays so, and the parent's is looked at again.
-- param schema identifier
-- param name identifier
-- param part_schema identifier
-- param part identifier
ALTER INDEX :schema.:name ATTACH PARTITION :part_schema.:part
