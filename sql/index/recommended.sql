-- summary: the index recommendations of a database of a branch, each with its latest state
-- kind: history
-- note: rows from before the databases of a branch were told apart name none: they may be of any, until a step names one.
-- param project text
-- param branch text
-- param database text
-- param since timestamp
-- column recommendation_id text
-- column created_at timestamp
-- column updated_at timestamp
-- column status text
-- column recommendation_type text
-- column schema_name text
-- column table_name text
-- column index_name text null
-- column ddl_statement text null
-- column confidence text
-- column evidence json null
-- column database_name text null
SELECT r.recommendation_id, r.created_at, r.updated_at, r.status, r.recommendation_type, r.schema_name, r.table_name,
       r.index_name, r.ddl_statement, r.confidence, r.evidence, r.database_name
  FROM (SELECT x.recommendation_id, x.created_at, x.updated_at, x.status, x.recommendation_type, x.schema_name,
               x.table_name, x.index_name, x.ddl_statement, x.confidence, x.evidence, x.database_name,
               row_number() OVER (PARTITION BY x.recommendation_id ORDER BY x.updated_at DESC) AS place
          FROM index_recommendations x
         WHERE x.project_id = :project
           AND x.branch_id = :branch
           AND x.updated_at >= :since) r
 WHERE r.place = 1
   AND (r.database_name IS NULL OR r.database_name = :database)
 ORDER BY r.recommendation_id
