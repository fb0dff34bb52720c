-- one date with its snapshots rolled up, as one commit: its readers see the date before or after it. Columns are by
-- position here, so both lists follow the table
INSERT INTO {table} REPLACE WHERE {partition} = {date}
WITH snapshots AS (
    SELECT * FROM {table} WHERE {partition} = {date}
),
rolled AS (
    {rolled}
)
SELECT {rolled_columns} FROM rolled
UNION ALL
SELECT {columns} FROM snapshots
WHERE granularity NOT IN ('snapshot', 'hour')
