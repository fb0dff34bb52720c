-- ?1 the last version that was given, ?2 the number of batches so far
UPDATE store SET counter = ?1, turn = ?2
