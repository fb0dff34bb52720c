-- summary: what flows from and into the tables of a catalog since a day, most often first
-- kind: lake
-- param system identifier
-- param access identifier
-- param name identifier
-- param catalog definition like 'shop'
-- param since definition like '2026-01-01'
-- column source text null
-- column target text null
-- column records integer
SELECT l.source_table_full_name AS source,
       l.target_table_full_name AS target,
       count(*) AS records
  FROM :system.:access.:name AS l
 WHERE l.event_date >= CAST(:since AS DATE)
   AND (l.source_table_catalog = :catalog OR l.target_table_catalog = :catalog)
 GROUP BY l.source_table_full_name, l.target_table_full_name
 ORDER BY records DESC, source NULLS FIRST, target NULLS FIRST
 LIMIT 100
