SELECT * FROM dblink('c', 'SELECT 1') AS x (a int);
SELECT query_to_xml('DELETE FROM t', true, true, '');
SELECT pg_file_write('a', 'b', true);
SELECT brin_summarize_new_values('i');
SELECT app.purge();
SELECT "PG_SLEEP"(1)
