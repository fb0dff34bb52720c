-- summary: a partition for some values
-- kind: change
-- server: 15-18
-- param name identifier
-- param parent identifier
-- param keys integer[]
CREATE TABLE :name PARTITION OF :parent FOR VALUES IN (:keys)
