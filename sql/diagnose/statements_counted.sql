-- summary: since when statements are counted, and whether any was forgotten to make room for others
-- kind: read
-- server: 15-18
-- note: a clean restart may keep the counts of before; that is not told apart from one that lost them.
-- param schema identifier like public
-- column counted_since timestamp
-- column times_forgotten integer
-- column sees_all boolean
SELECT greatest(i.stats_reset, pg_postmaster_start_time()) AS counted_since,
       i.dealloc AS times_forgotten,
       pg_has_role(current_user, 'pg_read_all_stats', 'USAGE') AS sees_all
  FROM :schema.pg_stat_statements_info i
