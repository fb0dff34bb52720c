=== operators
CREATE FUNCTION near(a int, b int) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT abs(a - b) < 2 $$;
CREATE FUNCTION far(a int, b int) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT abs(a - b) >= 2 $$;
CREATE FUNCTION twice(a int) RETURNS int LANGUAGE sql IMMUTABLE AS $$ SELECT a * 2 $$;
CREATE OPERATOR ~~~ (FUNCTION = near, LEFTARG = int, RIGHTARG = int);
CREATE OPERATOR @@@ (FUNCTION = twice, RIGHTARG = int);
CREATE TABLE t (a int, b int, CHECK (a ~~~ b));
CREATE VIEW v AS SELECT a, @@@ b AS double FROM t WHERE a ~~~ b;
--- to
CREATE FUNCTION near(a int, b int) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT abs(a - b) < 2 $$;
CREATE FUNCTION far(a int, b int) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT abs(a - b) >= 2 $$;
CREATE FUNCTION twice(a int) RETURNS int LANGUAGE sql IMMUTABLE AS $$ SELECT a * 2 $$;
CREATE OPERATOR ~~~ (FUNCTION = near, LEFTARG = int, RIGHTARG = int, COMMUTATOR = ~~~, NEGATOR = !~~~, RESTRICT = contsel, JOIN = contjoinsel);
CREATE OPERATOR !~~~ (FUNCTION = far, LEFTARG = int, RIGHTARG = int, COMMUTATOR = !~~~, NEGATOR = ~~~);
CREATE TABLE t (a int, b int, CHECK (a ~~~ b));
CREATE VIEW v AS SELECT a, b AS double FROM t WHERE a ~~~ b;
COMMENT ON OPERATOR !~~~ (int, int) IS 'not near';
ALTER OPERATOR !~~~ (int, int) OWNER TO pg_monitor;
--- data
INSERT INTO t VALUES (1, 2);
--- keeps
SELECT a, b FROM t
=== casts
CREATE TYPE fruit AS ENUM ('apple', 'pear');
CREATE TYPE pair AS (a int, b int);
CREATE FUNCTION fruit_of(a int) RETURNS fruit LANGUAGE sql IMMUTABLE AS $$ SELECT 'apple'::fruit $$;
CREATE FUNCTION pair_of(a int) RETURNS pair LANGUAGE sql IMMUTABLE AS $$ SELECT ROW(a, a)::pair $$;
CREATE CAST (int AS fruit) WITH FUNCTION fruit_of(int);
CREATE CAST (text AS fruit) WITH INOUT AS ASSIGNMENT;
--- to
CREATE TYPE fruit AS ENUM ('apple', 'pear');
CREATE TYPE pair AS (a int, b int);
CREATE FUNCTION fruit_of(a int) RETURNS fruit LANGUAGE sql IMMUTABLE AS $$ SELECT 'apple'::fruit $$;
CREATE FUNCTION pair_of(a int) RETURNS pair LANGUAGE sql IMMUTABLE AS $$ SELECT ROW(a, a)::pair $$;
CREATE CAST (int AS fruit) WITH FUNCTION fruit_of(int) AS IMPLICIT;
CREATE CAST (int AS pair) WITH FUNCTION pair_of(int) AS ASSIGNMENT;
COMMENT ON CAST (int AS pair) IS 'the same twice';
=== text_search
CREATE TEXT SEARCH DICTIONARY plain (TEMPLATE = simple, accept = 'false');
CREATE TEXT SEARCH DICTIONARY stems (TEMPLATE = snowball, language = 'english', stopwords = 'english');
CREATE TEXT SEARCH CONFIGURATION words (PARSER = default);
ALTER TEXT SEARCH CONFIGURATION words ADD MAPPING FOR asciiword, word WITH plain, stems;
ALTER TEXT SEARCH CONFIGURATION words ADD MAPPING FOR numword WITH simple;
CREATE TEXT SEARCH CONFIGURATION gone (COPY = simple);
CREATE TABLE t (body text, found tsvector GENERATED ALWAYS AS (to_tsvector('text_search.words', body)) STORED);
CREATE INDEX ON t USING gin (found);
--- to
CREATE TEXT SEARCH DICTIONARY plain (TEMPLATE = simple, stopwords = 'english');
CREATE TEXT SEARCH DICTIONARY "Stems, too" (TEMPLATE = snowball, language = 'german');
CREATE TEXT SEARCH DICTIONARY stems (TEMPLATE = snowball, language = 'english');
CREATE TEXT SEARCH CONFIGURATION words (PARSER = default);
ALTER TEXT SEARCH CONFIGURATION words ADD MAPPING FOR asciiword WITH stems, plain;
ALTER TEXT SEARCH CONFIGURATION words ADD MAPPING FOR word, hword_asciipart WITH plain, "Stems, too";
CREATE TEXT SEARCH CONFIGURATION "Come" (COPY = german);
CREATE TABLE t (body text, found tsvector GENERATED ALWAYS AS (to_tsvector('text_search.words', body)) STORED);
CREATE INDEX ON t USING gin (found);
COMMENT ON TEXT SEARCH CONFIGURATION words IS 'ours';
COMMENT ON TEXT SEARCH DICTIONARY plain IS 'ours, too';
ALTER TEXT SEARCH DICTIONARY plain OWNER TO pg_monitor;
--- data
INSERT INTO t VALUES ('the running dogs');
--- keeps
SELECT body FROM t
=== conversions
CREATE CONVERSION latin FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;
--- to
CREATE CONVERSION latin FOR 'UTF8' TO 'LATIN1' FROM utf8_to_iso8859_1;
CREATE DEFAULT CONVERSION "Other" FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;
COMMENT ON CONVERSION latin IS 'the other way round';
=== statistics_and_options_of_indexes
CREATE TABLE t (a int CONSTRAINT t_key PRIMARY KEY WITH (fillfactor = 70), b int UNIQUE, c int);
CREATE INDEX t_sum ON t ((a + b));
CREATE INDEX t_product ON t ((a * b));
ALTER INDEX t_sum ALTER COLUMN 1 SET STATISTICS 500;
--- to
CREATE TABLE t (a int CONSTRAINT t_key PRIMARY KEY, b int UNIQUE WITH (fillfactor = 80, deduplicate_items = off), c int);
CREATE INDEX t_sum ON t ((a + b));
CREATE INDEX t_product ON t ((a * b), c);
ALTER INDEX t_product ALTER COLUMN 1 SET STATISTICS 200;
--- data
INSERT INTO t VALUES (1, 2, 3);
--- keeps
SELECT a, b FROM t
=== typed_tables
CREATE TYPE shape AS (a int, b text);
CREATE TABLE t OF shape (PRIMARY KEY (a));
CREATE TABLE u (a int, b text);
--- to
CREATE TYPE shape AS (a int, b text);
CREATE TABLE t OF shape (PRIMARY KEY (a), b WITH OPTIONS DEFAULT 'x' NOT NULL);
CREATE TABLE u (a int, b text);
CREATE TABLE v OF shape;
--- data
INSERT INTO t VALUES (1, 'y');
--- keeps
SELECT a, b FROM t
=== privileges_on_what_an_extension_brings
CREATE EXTENSION tablefunc;
--- to
CREATE EXTENSION tablefunc;
REVOKE EXECUTE ON FUNCTION normal_rand(int, float8, float8) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION normal_rand(int, float8, float8) TO pg_monitor;
REVOKE USAGE ON LANGUAGE plpgsql FROM PUBLIC;
=== aggregates_of_other_kinds
CREATE FUNCTION stack(s text, VARIADIC parts text[]) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT s || array_to_string(parts, ',') $$;
CREATE AGGREGATE stacked(VARIADIC text[]) (sfunc = stack, stype = text, initcond = '');
CREATE FUNCTION rated(internal, float8) RETURNS float8 LANGUAGE internal IMMUTABLE AS 'percentile_cont_float8_final';
--- to
CREATE FUNCTION stack(s text, VARIADIC parts text[]) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT s || array_to_string(parts, ',') $$;
CREATE AGGREGATE stacked(VARIADIC text[]) (sfunc = stack, stype = text, initcond = '>');
CREATE FUNCTION rated(internal, float8) RETURNS float8 LANGUAGE internal IMMUTABLE AS 'percentile_cont_float8_final';
CREATE AGGREGATE share(float8 ORDER BY float8) (sfunc = ordered_set_transition, stype = internal, finalfunc = rated, finalfunc_modify = shareable);
COMMENT ON AGGREGATE share(float8 ORDER BY float8) IS 'of the ordered';
GRANT EXECUTE ON FUNCTION share(float8, float8) TO pg_monitor;
CREATE FUNCTION counted() RETURNS bigint LANGUAGE internal WINDOW IMMUTABLE AS 'window_row_number';
=== inherited_by_two
CREATE TABLE a (x int, CHECK (x > 0));
CREATE TABLE b (y int);
CREATE TABLE c (z int) INHERITS (a, b);
--- to
CREATE TABLE a (x bigint, CHECK (x > 0));
CREATE TABLE b (y int DEFAULT 7, w text);
CREATE TABLE c (z int) INHERITS (a, b);
ALTER TABLE c ALTER x SET NOT NULL;
CREATE TABLE d () INHERITS (c);
--- data
INSERT INTO c VALUES (1, 2, 3);
--- keeps
SELECT x, y, z FROM c
=== compressed
CREATE TABLE t (a text, b text, c text);
ALTER TABLE t ALTER b SET STORAGE EXTERNAL;
ALTER TABLE t ALTER c SET COMPRESSION pglz;
--- to
CREATE TABLE t (a text, b text, c text);
ALTER TABLE t ALTER a SET COMPRESSION pglz;
ALTER TABLE t ALTER a SET STORAGE MAIN;
CREATE TABLE u (a text COMPRESSION pglz);
