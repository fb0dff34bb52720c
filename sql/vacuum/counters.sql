-- summary: where the two counters stand that wrap around, and when that was
-- kind: read
-- server: 15-18
-- note: multixact ids are 32 bits wide: a difference of two readings is to be taken modulo 2^32.
-- column next_xid integer
-- column next_mxid integer
-- column read_at timestamp
SELECT pg_snapshot_xmax(pg_current_snapshot())::text::int8 AS next_xid,
       (mxid_age('1'::xid)::int8 + 1 + 4294967296) % 4294967296 AS next_mxid,
       clock_timestamp() AS read_at
