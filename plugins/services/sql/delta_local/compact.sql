-- files of one partition, $1, into one, $2. Rows of a branch lie together, in the order of the runs that wrote them, so
-- that row groups tell branches and hours apart.
COPY (
    SELECT *
    FROM read_parquet($1, union_by_name = true, hive_partitioning = false)
    ORDER BY project_id, branch_id, run_id
) TO $2 (FORMAT parquet, COMPRESSION zstd, RETURN_STATS)
