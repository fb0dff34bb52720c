-- summary: the database that every Lakebase branch has
-- kind: change
-- server: 15-18
CREATE DATABASE databricks_postgres
