-- summary: since when the server's counters of this database have counted without a break
-- kind: read
-- server: 15-18
-- column counts_since timestamp
-- column is_standby boolean
SELECT greatest(pg_postmaster_start_time(),
                (SELECT b.stats_reset FROM pg_stat_database b WHERE b.datname = current_database())) AS counts_since,
       pg_is_in_recovery() AS is_standby
