-- the files $1 of one date with their snapshots rolled up, as the file $2; what is neither snapshot nor hour stays. Files
-- from before a column was there lack it
COPY (
    WITH snapshots AS (
        {empty}
        UNION ALL BY NAME
        SELECT * FROM read_parquet($1, union_by_name = true, hive_partitioning = false)
    ),
    rolled AS (
        {rolled}
    )
    SELECT * FROM rolled
    UNION ALL BY NAME
    SELECT * FROM snapshots
    WHERE granularity NOT IN ('snapshot', 'hour')
    ORDER BY project_id, branch_id, queryid, snapshot_timestamp
) TO $2 (FORMAT parquet, COMPRESSION zstd, RETURN_STATS)
