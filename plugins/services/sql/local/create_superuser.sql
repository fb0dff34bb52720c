-- summary: the strongest role that Lakebase has; no superuser
-- kind: change
-- server: 15-18
CREATE ROLE databricks_superuser NOLOGIN CREATEDB CREATEROLE BYPASSRLS
  IN ROLE pg_monitor, pg_read_all_data, pg_write_all_data, pg_signal_backend
