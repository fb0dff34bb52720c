-- summary: who did what to a catalog and what is in it since a day, by what the requests name, most often first
-- kind: lake
-- param system identifier
-- param access identifier
-- param name identifier
-- param itself definition like '"shop"'
-- param below definition like '"shop.'
-- param since definition like '2026-01-01'
-- column service text null
-- column action text null
-- column who json null
-- column records integer
SELECT a.service_name AS service,
       a.action_name AS action,
       to_json(a.user_identity) AS who,
       count(*) AS records
  FROM :system.:access.:name AS a
 WHERE a.event_date >= CAST(:since AS DATE)
   AND (instr(to_json(a.request_params), :itself) > 0 OR instr(to_json(a.request_params), :below) > 0)
 GROUP BY a.service_name, a.action_name, to_json(a.user_identity)
 ORDER BY records DESC, service, action, who
 LIMIT 100
