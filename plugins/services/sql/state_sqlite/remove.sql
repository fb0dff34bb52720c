-- ?1 space, ?2 key, ?3 the version that must be there, or 0
DELETE FROM document WHERE space = ?1 AND key = ?2 AND (?3 = 0 OR version = ?3)
