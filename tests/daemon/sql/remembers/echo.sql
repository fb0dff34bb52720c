-- summary: one argument of each type as it arrives
-- kind: history
-- param some_text text null
-- param some_integer integer null
-- param some_number number null
-- param some_boolean boolean null
-- param some_timestamp timestamp null
-- column some_text text null
-- column some_integer integer null
-- column some_number number null
-- column some_boolean boolean null
-- column some_timestamp timestamp null
SELECT CAST(:some_text AS STRING) AS some_text,
       CAST(:some_integer AS BIGINT) AS some_integer,
       CAST(:some_number AS DOUBLE) AS some_number,
       CAST(:some_boolean AS BOOLEAN) AS some_boolean,
       CAST(:some_timestamp AS TIMESTAMP) AS some_timestamp
