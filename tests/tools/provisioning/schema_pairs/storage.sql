=== tablespaces
CREATE TABLE comes (id int PRIMARY KEY, note text);
CREATE INDEX comes_note ON comes (note);
CREATE TABLE goes (id int, CONSTRAINT goes_id UNIQUE (id) USING INDEX TABLESPACE the_space_of_the_pairs) TABLESPACE the_space_of_the_pairs;
CREATE INDEX goes_next ON goes ((id + 1)) TABLESPACE the_space_of_the_pairs;
CREATE TABLE parts (id int) PARTITION BY LIST (id);
CREATE TABLE back (id int) PARTITION BY LIST (id) TABLESPACE the_space_of_the_pairs;
CREATE MATERIALIZED VIEW m AS SELECT 1 AS a;
--- to
CREATE TABLE comes (id int PRIMARY KEY USING INDEX TABLESPACE the_space_of_the_pairs, note text) TABLESPACE the_space_of_the_pairs;
CREATE INDEX comes_note ON comes (note) TABLESPACE the_space_of_the_pairs;
CREATE TABLE goes (id int, CONSTRAINT goes_id UNIQUE (id));
CREATE INDEX goes_next ON goes ((id + 1));
CREATE TABLE parts (id int) PARTITION BY LIST (id) TABLESPACE the_space_of_the_pairs;
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN (1);
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES IN (2) TABLESPACE pg_default;
CREATE INDEX parts_id ON parts (id) TABLESPACE the_space_of_the_pairs;
CREATE TABLE back (id int) PARTITION BY LIST (id);
CREATE TABLE fresh (id int, note text, CONSTRAINT fresh_id UNIQUE (id) USING INDEX TABLESPACE the_space_of_the_pairs)
  TABLESPACE the_space_of_the_pairs;
CREATE INDEX fresh_note ON fresh (note) TABLESPACE the_space_of_the_pairs WHERE note <> ' WHERE ';
CREATE MATERIALIZED VIEW m TABLESPACE the_space_of_the_pairs AS SELECT 1 AS a;
CREATE MATERIALIZED VIEW n TABLESPACE the_space_of_the_pairs AS SELECT 2 AS a;
CREATE TYPE shape AS (id int, note text);
CREATE TABLE typed OF shape TABLESPACE the_space_of_the_pairs;
CREATE TABLE typed_parts OF shape PARTITION BY LIST (id);
--- data
INSERT INTO comes VALUES (1, 'a'); INSERT INTO goes VALUES (2);
--- keeps
SELECT (SELECT note FROM comes), (SELECT id FROM goes)
=== partition_index_tablespaces
CREATE TABLE parts (id int PRIMARY KEY, note text) PARTITION BY LIST (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN (1);
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES IN (2);
CREATE INDEX parts_note ON parts (note);
ALTER INDEX parts_2_note_idx SET TABLESPACE the_space_of_the_pairs;
CREATE TABLE parts_3 PARTITION OF parts FOR VALUES IN (3);
ALTER INDEX parts_3_note_idx SET TABLESPACE the_space_of_the_pairs;
CREATE TABLE others (id int, note text) PARTITION BY LIST (id);
CREATE TABLE others_1 PARTITION OF others FOR VALUES IN (1);
CREATE TABLE others_2 PARTITION OF others FOR VALUES IN (2);
CREATE INDEX others_note ON others (note);
CREATE TABLE remade (id int, note text) PARTITION BY LIST (id);
CREATE TABLE remade_1 PARTITION OF remade FOR VALUES IN (1);
CREATE INDEX remade_note ON remade (note);
ALTER INDEX remade_1_note_idx SET TABLESPACE the_space_of_the_pairs;
--- to
CREATE TABLE parts (id int PRIMARY KEY, note text) PARTITION BY LIST (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN (1);
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES IN (2);
CREATE INDEX parts_note ON parts (note);
ALTER INDEX parts_1_note_idx SET TABLESPACE the_space_of_the_pairs;
ALTER INDEX parts_1_pkey SET TABLESPACE the_space_of_the_pairs;
CREATE TABLE others (id int, note text) PARTITION BY LIST (id);
CREATE TABLE others_1 PARTITION OF others FOR VALUES IN (1);
CREATE TABLE others_2 PARTITION OF others FOR VALUES IN (2);
CREATE INDEX others_note ON others (note) TABLESPACE the_space_of_the_pairs;
ALTER INDEX others_2_note_idx SET TABLESPACE pg_default;
CREATE TABLE others_3 PARTITION OF others FOR VALUES IN (3);
CREATE TABLE remade (id int, note text) PARTITION BY LIST (id);
CREATE TABLE remade_1 PARTITION OF remade FOR VALUES IN (1);
CREATE INDEX remade_note ON remade (note DESC);
ALTER INDEX remade_1_note_idx SET TABLESPACE the_space_of_the_pairs;
--- data
INSERT INTO parts VALUES (1, 'a'), (2, 'b'); INSERT INTO others VALUES (1, 'c'), (2, 'd');
--- keeps
SELECT (SELECT string_agg(note, '' ORDER BY id) FROM parts), (SELECT string_agg(note, '' ORDER BY id) FROM others)
=== access_methods
CREATE ACCESS METHOD heap_too TYPE TABLE HANDLER heap_tableam_handler;
CREATE TABLE comes (id int);
CREATE TABLE goes (id int) USING heap_too;
CREATE MATERIALIZED VIEW m AS SELECT 1 AS a;
CREATE TABLE parts (id int) PARTITION BY LIST (id);
CREATE TABLE parts_0 PARTITION OF parts FOR VALUES IN (0);
DO $$ BEGIN
  IF current_setting('server_version_num')::int >= 170000 THEN ALTER TABLE parts SET ACCESS METHOD heap_too; END IF;
END $$;
CREATE TABLE others (id int) PARTITION BY LIST (id);
--- to
CREATE ACCESS METHOD heap_too TYPE TABLE HANDLER heap_tableam_handler;
CREATE TABLE comes (id int) USING heap_too;
CREATE TABLE goes (id int);
CREATE TABLE fresh (id int) USING heap_too;
CREATE MATERIALIZED VIEW m USING heap_too AS SELECT 1 AS a;
CREATE MATERIALIZED VIEW n USING heap_too AS SELECT 2 AS a;
CREATE TABLE parts (id int) PARTITION BY LIST (id);
CREATE TABLE parts_0 PARTITION OF parts FOR VALUES IN (0);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN (1) USING heap_too;
CREATE TABLE others (id int) PARTITION BY LIST (id);
DO $$ BEGIN
  IF current_setting('server_version_num')::int >= 170000 THEN ALTER TABLE others SET ACCESS METHOD heap_too; END IF;
END $$;
CREATE TABLE others_1 PARTITION OF others FOR VALUES IN (1) USING heap;
--- data
INSERT INTO comes VALUES (1); INSERT INTO goes VALUES (2); INSERT INTO parts VALUES (0);
--- keeps
SELECT (SELECT id FROM comes), (SELECT id FROM goes), (SELECT id FROM parts)
