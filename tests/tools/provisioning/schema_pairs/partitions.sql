=== partitioned_table_comes
--- to
CREATE TABLE p (id int, day date NOT NULL, note text DEFAULT 'x', PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
CREATE TABLE p_2024 PARTITION OF p FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE p_rest PARTITION OF p DEFAULT;
CREATE INDEX ON p (note);
CREATE TABLE l (k text) PARTITION BY LIST (lower(k));
CREATE TABLE l_a PARTITION OF l FOR VALUES IN ('a', 'it''s') PARTITION BY HASH (k);
CREATE TABLE l_a_0 PARTITION OF l_a FOR VALUES WITH (MODULUS 2, REMAINDER 0);
=== partition_comes_and_goes
CREATE TABLE p (id int) PARTITION BY RANGE (id);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);
CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (10) TO (20);
--- to
CREATE TABLE p (id int) PARTITION BY RANGE (id);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);
CREATE TABLE p3 PARTITION OF p FOR VALUES FROM (20) TO (30);
--- data
INSERT INTO p VALUES (1), (2);
--- keeps
SELECT sum(id) FROM p1
=== partition_detached
CREATE TABLE p (id int, note text) PARTITION BY RANGE (id);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);
CREATE TABLE p2 (id int, note text);
--- to
CREATE TABLE p (id int, note text) PARTITION BY RANGE (id);
CREATE TABLE p1 (id int, note text);
CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (10) TO (20);
--- data
INSERT INTO p VALUES (1, 'x'); INSERT INTO p2 VALUES (11, 'y');
--- keeps
SELECT (SELECT sum(id) FROM p1), (SELECT sum(id) FROM p2)
=== bounds_move
CREATE TABLE p (id int) PARTITION BY RANGE (id);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);
--- to
CREATE TABLE p (id int) PARTITION BY RANGE (id);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (100);
--- data
INSERT INTO p VALUES (5);
--- keeps
SELECT id FROM p
=== columns_of_partitions
CREATE TABLE p (id int, a int, gone text) PARTITION BY RANGE (id);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);
CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (10) TO (20);
--- to
CREATE TABLE p (id int, a bigint NOT NULL DEFAULT 4, b text DEFAULT 'b') PARTITION BY RANGE (id);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);
CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (10) TO (20);
ALTER TABLE p2 ALTER COLUMN a SET DEFAULT 5;
CREATE TABLE p3 PARTITION OF p FOR VALUES FROM (20) TO (30);
ALTER TABLE p3 ALTER COLUMN b SET DEFAULT 'c';
--- data
INSERT INTO p VALUES (1, 2, 'x'), (11, 3, 'y');
--- keeps
SELECT sum(id), sum(a) FROM p
=== constraints_of_partitions
CREATE TABLE ref (id int PRIMARY KEY);
CREATE TABLE p (id int, r int) PARTITION BY RANGE (id);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);
--- to
CREATE TABLE ref (id int PRIMARY KEY);
CREATE TABLE p (id int PRIMARY KEY, r int REFERENCES ref, CONSTRAINT small CHECK (r < 100)) PARTITION BY RANGE (id);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);
CREATE INDEX ON p (r);
CREATE INDEX only_here ON p1 (r);
ALTER TABLE p1 ADD CONSTRAINT one_only CHECK (r > 0);
=== triggers_of_partitions
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE TABLE p (id int) PARTITION BY RANGE (id);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);
--- to
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE TABLE p (id int) PARTITION BY RANGE (id);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);
CREATE TRIGGER t BEFORE INSERT ON p FOR EACH ROW EXECUTE FUNCTION touch();
ALTER TABLE p ENABLE ROW LEVEL SECURITY;
CREATE POLICY pol ON p1 USING (id > 0);
=== inheritance
CREATE TABLE parent (id int, note text, CONSTRAINT c CHECK (id > 0));
CREATE TABLE child (extra int) INHERITS (parent);
--- to
CREATE TABLE parent (id bigint, note text DEFAULT 'p', more int, CONSTRAINT c CHECK (id > 0));
CREATE TABLE child (extra int) INHERITS (parent);
CREATE TABLE other (id bigint, note text DEFAULT 'o', z int) INHERITS (parent);
--- data
INSERT INTO child VALUES (1, 'x', 2);
--- keeps
SELECT id, note, extra FROM child
=== inheritance_given_up
CREATE TABLE parent (id int);
CREATE TABLE child (extra int) INHERITS (parent);
--- to
CREATE TABLE parent (id int);
CREATE TABLE child (id int, extra int);
--- data
INSERT INTO child VALUES (1, 2);
--- keeps
SELECT id, extra FROM child
=== schemas_come
--- to
CREATE SCHEMA "New Schema";
CREATE TABLE "New Schema"."T" (id serial PRIMARY KEY);
CREATE VIEW "New Schema"."V" AS SELECT * FROM "New Schema"."T";
=== several_schemas
CREATE SCHEMA s_a; CREATE SCHEMA s_b;
CREATE TABLE s_a.t (id int PRIMARY KEY);
CREATE TABLE s_b.t (id int PRIMARY KEY, a_id int REFERENCES s_a.t);
CREATE VIEW s_a.v AS SELECT a.id FROM s_a.t a JOIN s_b.t b ON a.id = b.a_id;
--- to
CREATE SCHEMA s_a; CREATE SCHEMA s_b;
CREATE TABLE s_a.t (id bigint PRIMARY KEY);
CREATE TABLE s_b.t (id int PRIMARY KEY, a_id bigint REFERENCES s_a.t);
CREATE VIEW s_a.v AS SELECT a.id FROM s_a.t a JOIN s_b.t b ON a.id = b.a_id;
=== partition_index_names
CREATE TABLE parts (id int PRIMARY KEY, note text) PARTITION BY LIST (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN (1);
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES IN (2, 3) PARTITION BY LIST (id);
CREATE TABLE parts_2_1 PARTITION OF parts_2 FOR VALUES IN (2);
CREATE INDEX parts_note ON parts (note);
--- to
CREATE TABLE parts (id int PRIMARY KEY, note text) PARTITION BY LIST (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN (1);
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES IN (2, 3) PARTITION BY LIST (id);
CREATE TABLE parts_2_1 PARTITION OF parts_2 FOR VALUES IN (2);
CREATE INDEX parts_note ON parts (note);
ALTER INDEX parts_1_note_idx RENAME TO "Notes of one";
ALTER INDEX parts_1_pkey RENAME TO key_of_one;
ALTER INDEX parts_2_note_idx RENAME TO notes_of_two;
ALTER INDEX parts_2_1_note_idx RENAME TO notes_beneath_two;
--- data
INSERT INTO parts VALUES (1, 'a'), (2, 'b');
--- keeps
SELECT string_agg(note, '' ORDER BY id) FROM parts
=== partition_index_names_swapped
CREATE TABLE parts (id int PRIMARY KEY, note text, day date) PARTITION BY LIST (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN (1);
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES IN (2);
CREATE TABLE parts_3 PARTITION OF parts FOR VALUES IN (3);
CREATE INDEX parts_note ON parts (note);
CREATE INDEX parts_day ON parts (day);
ALTER INDEX parts_3_day_idx RENAME TO "a.name that is as long as names can be, which is 63 bytes of it";
CREATE TABLE plain (a int, b int);
CREATE INDEX plain_one ON plain (a);
CREATE INDEX plain_two ON plain (b);
--- to
CREATE TABLE parts (id int PRIMARY KEY, note text, day date) PARTITION BY LIST (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN (1);
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES IN (2);
CREATE TABLE parts_3 PARTITION OF parts FOR VALUES IN (3);
CREATE INDEX parts_note ON parts (note);
CREATE INDEX parts_day ON parts (day);
ALTER INDEX parts_1_note_idx RENAME TO meanwhile;
ALTER INDEX parts_2_note_idx RENAME TO parts_1_note_idx;
ALTER INDEX meanwhile RENAME TO parts_2_note_idx;
ALTER INDEX parts_1_day_idx RENAME TO "a.name that is as long as names can be, which is 63 bytes of it";
ALTER INDEX parts_3_day_idx RENAME TO parts_1_day_idx;
ALTER INDEX parts_3_pkey RENAME TO end_of_three;
ALTER INDEX parts_2_pkey RENAME TO parts_3_pkey;
ALTER INDEX parts_1_pkey RENAME TO parts_2_pkey;
CREATE TABLE plain (a int, b int);
CREATE INDEX plain_one ON plain (b);
CREATE INDEX plain_two ON plain (a);
--- data
INSERT INTO parts VALUES (1, 'a', '2024-01-01'), (2, 'b', '2024-01-02'), (3, 'c', '2024-01-03');
--- keeps
SELECT string_agg(note || day, '' ORDER BY id) FROM parts
=== partition_index_names_of_new
CREATE TABLE parts (id int PRIMARY KEY, note text, day date) PARTITION BY LIST (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN (1);
CREATE INDEX parts_note ON parts (note);
ALTER INDEX parts_1_note_idx RENAME TO own_note_of_one;
--- to
CREATE TABLE parts (id int PRIMARY KEY, note text, day date) PARTITION BY LIST (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN (1);
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES IN (2);
CREATE TABLE parts_3 PARTITION OF parts FOR VALUES IN (3) PARTITION BY LIST (id);
CREATE TABLE "parts 3 One" PARTITION OF parts_3 FOR VALUES IN (3);
CREATE INDEX parts_note ON parts (note, day);
CREATE INDEX parts_word ON parts (lower(note), day) INCLUDE (note);
ALTER TABLE parts ADD CONSTRAINT parts_twice UNIQUE (id, day);
ALTER INDEX parts_1_note_day_idx RENAME TO own_note_of_one;
ALTER INDEX parts_1_lower_day_note_idx RENAME TO own_word_of_one;
ALTER INDEX parts_2_note_day_idx RENAME TO "Own note of two";
ALTER INDEX parts_2_pkey RENAME TO own_key_of_two;
ALTER INDEX parts_2_id_day_key RENAME TO own_twice_of_two;
ALTER INDEX parts_3_note_day_idx RENAME TO own_note_of_three;
ALTER INDEX "parts 3 One_note_day_idx" RENAME TO own_note_beneath_three;
--- data
INSERT INTO parts VALUES (1, 'a');
--- keeps
SELECT string_agg(note, '' ORDER BY id) FROM parts
