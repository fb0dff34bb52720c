-- ?1 space, ?2 key, ?3 owner
DELETE FROM document WHERE space = ?1 AND key = ?2 AND owner = ?3 AND ends IS NOT NULL
