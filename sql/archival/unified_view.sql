-- summary: a table's rows on the server and in the lakehouse as one: those there count that have left here
-- kind: lake
-- note: what is in the lakehouse and not yet deleted on the server is the server's. The ledger says which is which, in
-- note: the words of the statement that deleted them.
-- param hot sql[]
-- param hot_catalog identifier
-- param hot_schema identifier
-- param hot_table identifier
-- param cold sql[]
-- param catalog identifier
-- param schema identifier
-- param name identifier
-- param ledger_schema identifier
-- param ledger identifier
-- column key text null
SELECT u.*
  FROM (SELECT :hot
          FROM :hot_catalog.:hot_schema.:hot_table AS h
        UNION ALL
        SELECT :cold
          FROM :catalog.:schema.:name AS c
         WHERE c.lbops_batch IN (SELECT s.batch
                                   FROM :hot_catalog.:ledger_schema.:ledger AS s
                                  WHERE s.state = 'deleted')) AS u
