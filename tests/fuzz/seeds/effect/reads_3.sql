SET statement_timeout = '5s';
SET LOCAL lock_timeout = '1s';
SET search_path = app, public;
RESET ALL;
SHOW work_mem;
SET TRANSACTION ISOLATION LEVEL SERIALIZABLE
