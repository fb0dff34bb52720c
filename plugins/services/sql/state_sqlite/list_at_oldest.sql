-- ?1 space, ?2 key, ?3 prefix and ?4 its end, ?5 status, ?6 owner (each or NULL), ?7 <= at <= ?8, ?9 limit or -1
SELECT key, version, status, owner, at, ends, boot, body
  FROM document
 WHERE space = ?1 AND at BETWEEN ?7 AND ?8
 ORDER BY at, key
 LIMIT ?9
