-- ?1 is a new store's identity: random, so that a copy of this store is told from somebody else's.
INSERT INTO store (one, id, counter, turn) VALUES (1, ?1, 0, 0)
