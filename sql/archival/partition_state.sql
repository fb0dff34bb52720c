-- summary: how far the end of a partition has got, and which foreign keys point to it itself
-- kind: read
-- server: 15-18
-- note: a table has one half detached partition at most: others are held up by it. Keys to
-- note: its parent hinder nothing: what they point to has left.
-- param table_id integer
-- param constraint text
-- column is_pending boolean
-- column is_closed boolean
-- column is_held_up boolean
-- column referenced_by text null
-- column lock_timeout text
SELECT coalesce(h.inhdetachpending, false) AS is_pending,
       EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'c' AND k.conname = :constraint
                  AND pg_get_constraintdef(k.oid) = 'CHECK (false)') AS is_closed,
       EXISTS (SELECT FROM pg_inherits o
                WHERE o.inhparent = h.inhparent AND o.inhrelid <> c.oid AND o.inhdetachpending) AS is_held_up,
       (SELECT string_agg(format('%s of %s', k.conname, k.conrelid::regclass), ', ' ORDER BY k.conname)
          FROM pg_constraint k
         WHERE k.contype = 'f'
           AND k.confrelid = c.oid
           AND k.conrelid <> c.oid
           AND k.conparentid = 0) AS referenced_by,
       current_setting('lock_timeout') AS lock_timeout
  FROM pg_class c
  LEFT JOIN pg_inherits h ON h.inhrelid = c.oid
 WHERE c.oid = CAST(:table_id AS oid)
