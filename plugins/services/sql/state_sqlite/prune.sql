-- ?1 space, ?2 status or NULL, ?3 before, ?4 at most, ?5 now and ?6 boot of the lease clock: a lease that runs stays.
DELETE FROM document
 WHERE rowid IN (SELECT rowid FROM document
                  WHERE space = ?1 AND at < ?3 AND (?2 IS NULL OR status = ?2)
                    AND (ends IS NULL OR boot <> ?6 OR ends <= ?5)
                  ORDER BY at, key
                  LIMIT ?4)
