-- ?1 space, ?2 key, ?3 version, ?4 status, ?5 owner, ?6 at, ?7 body (what is no JSON becomes null, which the table refuses)
INSERT INTO document (space, key, version, status, owner, at, body)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, CASE WHEN json_valid(?7) THEN ?7 END)
    ON CONFLICT (space, key) DO NOTHING
