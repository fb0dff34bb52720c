-- ?1 space, ?2 key, ?3 version, ?4 status, ?5 owner, ?6 at, ?7 body (what is no JSON becomes null, which the table refuses); of a lease: ?8 ends, ?9 boot
INSERT INTO document (space, key, version, status, owner, at, body, ends, boot)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, CASE WHEN json_valid(?7) THEN ?7 END, ?8, ?9)
    ON CONFLICT (space, key) DO UPDATE
       SET version = excluded.version, status = excluded.status, owner = excluded.owner, at = excluded.at,
           body = excluded.body, ends = excluded.ends, boot = excluded.boot
