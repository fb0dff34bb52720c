-- $1 id, $2 revision, $3 document. The trigger clears what was decided on an older revision.
INSERT INTO approval (id, revision, document) VALUES ($1, $2, $3)
    ON CONFLICT (id) DO UPDATE
       SET revision = excluded.revision, document = excluded.document, published_at = now()
     WHERE approval.revision < excluded.revision
