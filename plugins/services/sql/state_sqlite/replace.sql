-- ?1 space, ?2 key, ?3 version, ?4 status, ?5 owner, ?6 at, ?7 body (what is no JSON becomes null, which the table refuses), ?8 the version that must be there, or 0
UPDATE document
   SET version = ?3, status = ?4, owner = ?5, at = ?6,
       body = CASE WHEN json_valid(?7) THEN ?7 END, ends = NULL, boot = NULL
 WHERE space = ?1 AND key = ?2 AND (?8 = 0 OR version = ?8)
