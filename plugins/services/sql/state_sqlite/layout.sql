-- The store, made in one transaction. application_id says whose it is ("LBOS"), user_version which layout.
-- A document that is a lease has `ends`: microseconds of CLOCK_BOOTTIME in the boot that `boot` names.
PRAGMA application_id = 1279414099;
PRAGMA user_version = 1;
CREATE TABLE store (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    id TEXT NOT NULL,
    counter INTEGER NOT NULL,
    turn INTEGER NOT NULL
) STRICT;
CREATE TABLE document (
    space TEXT NOT NULL,
    key TEXT NOT NULL,
    version INTEGER NOT NULL,
    status TEXT,
    owner TEXT,
    at INTEGER NOT NULL,
    ends INTEGER,
    boot TEXT,
    body TEXT NOT NULL,
    UNIQUE (space, key)
) STRICT;
CREATE INDEX document_at ON document (space, at, key);
CREATE INDEX document_status ON document (space, status, at, key) WHERE status IS NOT NULL;
CREATE INDEX document_owner ON document (space, owner, at, key) WHERE owner IS NOT NULL;
CREATE TABLE batch (
    client TEXT PRIMARY KEY,
    number INTEGER NOT NULL,
    turn INTEGER NOT NULL,
    verdicts BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX batch_turn ON batch (turn);
