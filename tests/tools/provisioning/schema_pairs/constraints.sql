=== checks
CREATE TABLE t (a int CONSTRAINT positive CHECK (a > 0), b int, CONSTRAINT ordered CHECK (a < b));
--- to
CREATE TABLE t (a int CONSTRAINT positive CHECK (a >= 0), b int, CONSTRAINT short CHECK (b < 1000) NO INHERIT);
--- data
INSERT INTO t VALUES (1, 2);
--- keeps
SELECT a, b FROM t
=== keys
CREATE TABLE t (a int PRIMARY KEY, b int, c int);
CREATE TABLE u (a int NOT NULL, b int UNIQUE, c int);
--- to
CREATE TABLE t (a int, b int, c int, PRIMARY KEY (a, b));
CREATE TABLE u (a int PRIMARY KEY, b int, c int, CONSTRAINT b_and_c UNIQUE (b, c));
--- data
INSERT INTO t VALUES (1, 1, 1); INSERT INTO u VALUES (1, 2, 3);
--- keeps
SELECT * FROM t, u
=== key_under_a_foreign_key
CREATE TABLE parent (id int PRIMARY KEY, code text);
CREATE TABLE child (id int, parent_id int REFERENCES parent);
--- to
CREATE TABLE parent (id int CONSTRAINT renamed PRIMARY KEY, code text UNIQUE);
CREATE TABLE child (id int, parent_id int REFERENCES parent);
--- data
INSERT INTO parent VALUES (1, 'a'); INSERT INTO child VALUES (1, 1);
--- keeps
SELECT * FROM child
=== foreign_key_actions
CREATE TABLE p (id int PRIMARY KEY);
CREATE TABLE c (p_id int, CONSTRAINT fk FOREIGN KEY (p_id) REFERENCES p);
CREATE TABLE d (p_id int, CONSTRAINT fk FOREIGN KEY (p_id) REFERENCES p NOT VALID);
--- to
CREATE TABLE p (id int PRIMARY KEY);
CREATE TABLE c (p_id int, CONSTRAINT fk FOREIGN KEY (p_id) REFERENCES p ON UPDATE CASCADE ON DELETE CASCADE DEFERRABLE);
CREATE TABLE d (p_id int, CONSTRAINT fk FOREIGN KEY (p_id) REFERENCES p);
=== foreign_keys_match_full
CREATE TABLE p (a int, b int, PRIMARY KEY (a, b));
CREATE TABLE comes (a int, b int, CONSTRAINT fk FOREIGN KEY (a, b) REFERENCES p);
CREATE TABLE goes (a int, b int, CONSTRAINT fk FOREIGN KEY (a, b) REFERENCES p MATCH FULL ON DELETE CASCADE NOT VALID);
--- to
CREATE TABLE p (a int, b int, PRIMARY KEY (a, b));
CREATE TABLE comes (a int, b int, CONSTRAINT fk FOREIGN KEY (a, b) REFERENCES p MATCH FULL);
CREATE TABLE goes (a int, b int, CONSTRAINT fk FOREIGN KEY (a, b) REFERENCES p ON DELETE CASCADE NOT VALID);
CREATE TABLE fresh (a int, b int, CONSTRAINT fk FOREIGN KEY (a, b) REFERENCES p MATCH FULL DEFERRABLE INITIALLY DEFERRED);
--- data
INSERT INTO p VALUES (1, 2); INSERT INTO comes VALUES (1, 2), (NULL, NULL); INSERT INTO goes VALUES (1, 2);
--- keeps
SELECT (SELECT count(*) FROM comes), (SELECT count(*) FROM goes)
=== not_valid_becomes_valid
CREATE TABLE t (a int);
ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID;
--- to
CREATE TABLE t (a int, CONSTRAINT c CHECK (a > 0));
--- data
INSERT INTO t VALUES (1);
--- keeps
SELECT a FROM t
=== exclusion
CREATE TABLE t (during int4range);
--- to
CREATE TABLE t (during int4range, CONSTRAINT apart EXCLUDE USING gist (during WITH &&) WHERE (NOT isempty(during)));
COMMENT ON CONSTRAINT apart ON t IS 'no two at once';
=== nulls_not_distinct
CREATE TABLE t (a int, CONSTRAINT one UNIQUE (a));
--- to
CREATE TABLE t (a int, CONSTRAINT one UNIQUE NULLS NOT DISTINCT (a));
=== foreign_key_between_schemas
CREATE SCHEMA "other side";
CREATE TABLE "other side".p (id int PRIMARY KEY);
CREATE TABLE c (p_id int);
--- to
CREATE SCHEMA "other side";
CREATE TABLE "other side".p (id int PRIMARY KEY, "Code" text UNIQUE);
CREATE TABLE c (p_id int REFERENCES "other side".p, code text REFERENCES "other side".p ("Code"));
=== view_groups_by_a_key
CREATE TABLE t (id int CONSTRAINT old_key PRIMARY KEY, note text);
CREATE VIEW v AS SELECT id, note, count(*) AS n FROM t GROUP BY id;
--- to
CREATE TABLE t (id int CONSTRAINT new_key PRIMARY KEY, note text);
CREATE VIEW v AS SELECT id, note, count(*) AS n FROM t GROUP BY id;
=== index_kinds
CREATE TABLE t (a int, b text, c int[], d text);
CREATE INDEX i1 ON t (a);
CREATE INDEX i2 ON t (lower(b));
CREATE INDEX i3 ON t (a) WHERE a > 0;
CREATE INDEX i4 ON t USING gin (c);
CREATE INDEX gone ON t (d);
--- to
CREATE TABLE t (a int, b text, c int[], d text);
CREATE UNIQUE INDEX i1 ON t (a DESC NULLS LAST) INCLUDE (b);
CREATE INDEX i2 ON t (upper(b) COLLATE "C" text_pattern_ops);
CREATE INDEX i3 ON t (a) WHERE a > 1;
CREATE INDEX i4 ON t USING gin (c) WITH (fastupdate = off);
CREATE INDEX come ON t USING hash (d) WITH (fillfactor = 50);
COMMENT ON INDEX come IS 'a hash';
=== extended_statistics
CREATE TABLE t (a int, b int, c text);
CREATE STATISTICS s1 ON a, b FROM t;
CREATE STATISTICS s2 (ndistinct) ON a, b FROM t;
--- to
CREATE TABLE t (a int, b int, c text);
CREATE STATISTICS s1 (mcv, dependencies) ON a, b FROM t;
CREATE STATISTICS s2 (ndistinct) ON a, b FROM t;
ALTER STATISTICS s2 SET STATISTICS 300;
CREATE STATISTICS s3 ON lower(c), (a + b) FROM t;
