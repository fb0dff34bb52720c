SET search_path = evil, pg_catalog;
SET zero_damaged_pages = on;
LOCK TABLE app.t IN SHARE MODE;
NOTIFY jobs, 'x';
CHECKPOINT
