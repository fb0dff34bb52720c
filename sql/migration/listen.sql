-- summary: has the server say, to the end of this transaction, what it rewrites, reads and need not read
-- kind: change
-- server: 15-18
-- note: debug messages are said in English, whatever lc_messages is, and nobody needs a privilege for them.
SET LOCAL client_min_messages TO debug1
