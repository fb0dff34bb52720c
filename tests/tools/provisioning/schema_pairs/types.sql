=== enum_grows
CREATE TYPE mood AS ENUM ('sad', 'happy');
CREATE TABLE t (m mood DEFAULT 'sad');
--- to
CREATE TYPE mood AS ENUM ('angry', 'sad', 'so ''so''', 'happy', 'ecstatic');
CREATE TABLE t (m mood DEFAULT 'sad');
COMMENT ON TYPE mood IS 'how it feels';
--- data
INSERT INTO t VALUES ('happy');
--- keeps
SELECT m FROM t
=== enum_loses_a_label
CREATE TYPE state AS ENUM ('new', 'old', 'gone');
CREATE TABLE t (id int, s state DEFAULT 'new', many state[] DEFAULT '{new}');
CREATE INDEX ON t (s);
CREATE VIEW v AS SELECT id FROM t WHERE s = 'new';
CREATE FUNCTION f(x state) RETURNS text LANGUAGE sql AS $$ SELECT x::text $$;
--- to
CREATE TYPE state AS ENUM ('new', 'gone');
CREATE TABLE t (id int, s state DEFAULT 'new', many state[] DEFAULT '{new}');
CREATE INDEX ON t (s);
CREATE VIEW v AS SELECT id FROM t WHERE s = 'new';
CREATE FUNCTION f(x state) RETURNS text LANGUAGE sql AS $$ SELECT x::text $$;
GRANT USAGE ON TYPE state TO PUBLIC;
--- data
INSERT INTO t VALUES (1, 'new', '{new,gone}'), (2, 'gone', '{}');
--- keeps
SELECT id, s::text, many::text FROM t ORDER BY id
=== enum_reordered_and_unused
CREATE TYPE level AS ENUM ('low', 'high');
--- to
CREATE TYPE level AS ENUM ('high', 'low');
=== domain
CREATE DOMAIN email AS text DEFAULT 'a@b' CONSTRAINT has_at CHECK (VALUE ~ '@');
CREATE DOMAIN amount AS numeric NOT NULL;
CREATE TABLE t (e email, a amount);
--- to
CREATE DOMAIN email AS text NOT NULL CONSTRAINT has_at CHECK (VALUE LIKE '%@%') CONSTRAINT short CHECK (length(VALUE) < 100);
CREATE DOMAIN amount AS numeric DEFAULT 0 CONSTRAINT positive CHECK (VALUE >= 0);
CREATE TABLE t (e email, a amount);
COMMENT ON CONSTRAINT short ON DOMAIN email IS 'fits the form';
--- data
INSERT INTO t VALUES ('x@y', 1);
--- keeps
SELECT e::text, a::numeric FROM t
=== domain_over_another_type
CREATE DOMAIN code AS varchar(5);
CREATE TABLE t (c code DEFAULT 'abc');
CREATE VIEW v AS SELECT c FROM t;
--- to
CREATE DOMAIN code AS varchar(9) CONSTRAINT upper_case CHECK (VALUE = upper(VALUE) OR VALUE = 'abc');
CREATE TABLE t (c code DEFAULT 'abc');
CREATE VIEW v AS SELECT c FROM t;
--- data
INSERT INTO t VALUES ('ABC');
--- keeps
SELECT c::text FROM t
=== composite
CREATE TYPE address AS (street text, zip int);
CREATE TYPE unused AS (a int);
--- to
CREATE TYPE address AS (street varchar(50), zip text, "Town" text COLLATE "C");
COMMENT ON COLUMN address."Town" IS 'where it is';
=== composite_in_a_table
CREATE TYPE pair AS (a int);
CREATE TABLE t (p pair);
--- to
CREATE TYPE pair AS (a int, b int);
CREATE TABLE t (p pair, q pair[]);
--- data
INSERT INTO t VALUES (ROW(1));
--- keeps
SELECT (p).a FROM t
=== range
CREATE TYPE span AS RANGE (subtype = float8);
--- to
CREATE FUNCTION span_diff(a float8, b float8) RETURNS float8 LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT a - b $$;
CREATE TYPE span AS RANGE (subtype = float8, subtype_diff = span_diff);
CREATE TYPE texts AS RANGE (subtype = text, collation = "C", multirange_type_name = many_texts);
CREATE TABLE t (s span, m many_texts);
=== range_in_use
CREATE TYPE reach AS RANGE (subtype = float8);
CREATE TABLE t (r reach DEFAULT '[1,2]', m reach[]);
--- to
CREATE TYPE reach AS RANGE (subtype = numeric);
CREATE TABLE t (r reach DEFAULT '[1,2]', m reach[]);
--- data
INSERT INTO t VALUES ('[1,5)', '{"[2,3)"}');
--- keeps
SELECT r::text, m::text FROM t
=== sequences
CREATE SEQUENCE s1;
CREATE SEQUENCE s2 AS int INCREMENT BY 2;
CREATE SEQUENCE gone;
--- to
CREATE SEQUENCE s1 MINVALUE 5 START 10 MAXVALUE 5000 CACHE 20 CYCLE;
CREATE SEQUENCE s2 AS bigint INCREMENT BY 5;
CREATE UNLOGGED SEQUENCE "Come on";
COMMENT ON SEQUENCE s1 IS 'counts';
GRANT USAGE ON SEQUENCE s1 TO PUBLIC;
--- data
SELECT setval('s1', 20);
--- keeps
SELECT last_value FROM s1
=== serial_comes_and_goes
CREATE TABLE a (id int NOT NULL);
CREATE TABLE b (id serial);
CREATE SEQUENCE free;
CREATE TABLE c (id int);
--- to
CREATE TABLE a (id serial);
CREATE TABLE b (id int NOT NULL);
CREATE SEQUENCE free;
CREATE TABLE c (id int DEFAULT nextval('free'));
ALTER SEQUENCE free OWNED BY c.id;
=== sequence_set_free
CREATE SEQUENCE s;
CREATE TABLE t (id int, x int DEFAULT nextval('s'));
ALTER SEQUENCE s OWNED BY t.x;
--- to
CREATE SEQUENCE s;
CREATE TABLE t (id int);
=== extensions
--- to
CREATE EXTENSION IF NOT EXISTS pg_stat_statements SCHEMA public;
=== collations
CREATE COLLATION old_one FROM "C";
--- to
CREATE COLLATION "de phone" (provider = icu, locale = 'de-u-co-phonebk', deterministic = false);
CREATE TABLE t (a text COLLATE "de phone");
=== type_of_another_schema
CREATE SCHEMA types_here;
CREATE TABLE t (a int);
--- to
CREATE SCHEMA types_here;
CREATE TYPE types_here."Kind" AS ENUM ('a');
CREATE DOMAIN types_here.positive AS int CHECK (VALUE > 0);
CREATE TABLE t (a int, k types_here."Kind" DEFAULT 'a', p types_here.positive);
