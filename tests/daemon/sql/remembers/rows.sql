-- summary: what runs have noted, by each type that an argument can have
-- kind: history
-- param notes text[]
-- param without text[]
-- param counts integer[]
-- param lags number[]
-- param matches boolean[]
-- param times timestamp[]
-- param since timestamp null
-- param least integer null
-- column note text
-- column source_table text
-- column source_count integer null
-- column lag number null
-- column matched boolean null
-- column seen timestamp null
-- column detail json null
-- column share numeric
SELECT h.validation_id AS note,
       h.source_table,
       h.source_count,
       h.freshness_lag_seconds AS lag,
       h.checksum_match AS matched,
       h.source_max_ts AS seen,
       h.detail,
       CAST(0.25 AS DECIMAL(10, 2)) AS share
  FROM sync_validation_history h
 WHERE h.validation_id IN (:notes)
   AND h.validation_id NOT IN (:without)
   AND (h.source_count IS NULL OR h.source_count IN (:counts))
   AND (h.freshness_lag_seconds IS NULL OR h.freshness_lag_seconds IN (:lags))
   AND (h.checksum_match IS NULL OR h.checksum_match IN (:matches))
   AND (h.source_max_ts IS NULL OR h.source_max_ts IN (:times))
   AND (:since IS NULL OR h.validated_at >= :since)
   AND (:least IS NULL OR h.source_count >= :least)
 ORDER BY h.validation_id, h.source_table
