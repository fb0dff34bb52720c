-- ?1 space, ?2 key
SELECT version, owner, ends, boot FROM document WHERE space = ?1 AND key = ?2
