-- the dates that have snapshots to roll up, and how many
SELECT {partition}, count(*) FROM {table}
WHERE {partition} < :before AND granularity = 'snapshot'
GROUP BY {partition}
ORDER BY {partition}
