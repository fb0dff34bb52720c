-- summary: a time without a zone as microseconds, whatever the session's zone is
-- kind: fragment
-- param column identifier
-- example: SELECT :fragment FROM pg_class AS t
CAST(CAST(unix_date(CAST(t.:column AS DATE)) AS BIGINT) * 86400000000 + hour(t.:column) * 3600000000
     + minute(t.:column) * 60000000 + CAST(extract(SECOND FROM t.:column) * 1000000 AS BIGINT) AS STRING)
