"""capture_schema_diff and read_schema: what they say, what they write, what they leave out and what they refuse."""

import atexit
import contextlib
import json
import os

import schema_pairs as corpus
from place import Given, Local, Workspace, contains, each_version, equal, holds, suite

BEFORE = """
CREATE SCHEMA "Odd One";
CREATE TABLE "Odd One"."T" (id int PRIMARY KEY, "Big" int, gone text);
CREATE INDEX old ON "Odd One"."T" ("Big");
CREATE TABLE here (a int);
"""
AFTER = """
CREATE SCHEMA "Odd One";
CREATE TABLE "Odd One"."T" (id int PRIMARY KEY, "Big" bigint, fresh text DEFAULT 'x');
CREATE TABLE here (a int NOT NULL);
CREATE TABLE come (id int PRIMARY KEY);
CREATE VIEW v AS SELECT a FROM here;
GRANT SELECT ON come TO PUBLIC;
"""


class Pair:
    def __init__(self, before, after):
        self.name, self.before, self.after, self.data, self.keeps = "unused", before, after, "", ""

    def within(self, sql):
        return f"SET search_path TO public;\n{sql}"


def sides(place, before=BEFORE, after=AFTER):
    return corpus.two_databases(place, "side", [Pair(before, after)])


@contextlib.contextmanager
def read_only(version, kept={}):
    """The same two databases for all tests that only look."""
    if version not in kept:
        place = kept[version] = Given(version)
        pair = sides(place)
        place.pair = pair.__enter__()
        atexit.register(place.close)
        atexit.register(pair.__exit__, None, None, None)
    yield kept[version], kept[version].pair


def it_says_what_differs(version):
    with read_only(version) as (place, (start, end)):
        found = corpus.diff(place, start, end)
        equal(found["text"].splitlines(), [
            f"schema of {start} compared with {end}:",
            '- column "Odd One"."T".gone',
            "- index \"Odd One\".old",
            "+ table public.come",
            '~ column "Odd One"."T"."Big": type integer -> bigint',
            '+ column "Odd One"."T".fresh text',
            "~ column public.here.a: not null none -> NOT NULL",
            "+ view public.v",
        ], "the text")
        equal(found["diff"]["tables_added"], ["public.come"], "tables added")
        equal(found["diff"]["columns_removed"], ['"Odd One"."T".gone'], "columns removed")
        equal(found["diff"]["indexes_removed"], ['"Odd One".old'], "indexes removed")
        change = [c for c in found["changes"] if c["attribute"] == "type"]
        equal(change, [{"change": "changed", "kind": "column", "object": '"Odd One"."T"."Big"', "attribute": "type",
                        "before": "integer", "after": "bigint"}], "the change as a model")
        equal(corpus.diff(place, start, end), found, "the same again")


def each_statement_names_its_hazard(version):
    with read_only(version) as (place, (start, end)):
        steps = {s["sql"]: s for s in corpus.diff(place, start, end)["statements"]}
        drop = steps['ALTER TABLE "Odd One"."T" DROP COLUMN gone']
        equal((drop["lock"], drop["risk"]), ("ACCESS EXCLUSIVE", "data loss"), "of a dropped column")
        null = steps["ALTER TABLE public.here ALTER COLUMN a SET NOT NULL"]
        equal((null["lock"], null["risk"]), ("ACCESS EXCLUSIVE", "scan"), "of SET NOT NULL")
        key = steps["ALTER TABLE public.come ADD CONSTRAINT come_pkey PRIMARY KEY (id)"]
        equal((key["lock"], key["risk"]), (None, None), "of a key of a table that nobody has yet")
        order = list(steps)
        holds(order.index('DROP INDEX "Odd One".old') < order.index(drop["sql"]), "what uses a column goes before it")


def a_file_is_written_through_the_door(version):
    with Given(version) as place, sides(place) as (start, end):
        file = place.dir / "up.sql"
        planned = place.run("capture_schema_diff", plan=True, branch=start, target_branch=end, file=file)
        equal(([c["kind"] for c in planned["changes"]], file.exists()), (["file"], False), "a plan")
        place.run("capture_schema_diff", branch=start, target_branch=end, file=file)
        again = place.run("capture_schema_diff", branch=start, target_branch=end, file=file, check=0)
        equal(again["changes"], [], "the same content once more is no change")
        written = file.read_text()
        file.write_text(written.replace("T", "t", 1))
        other = place.run("capture_schema_diff", branch=start, target_branch=end, file=file, check=3)
        equal([c["effect"] for c in other["changes"]], ["disruptive"], "another content of the same length is one")
        corpus.apply(place, start, written)
        equal(corpus.diff(place, start, end)["has_changes"], False, "after the file")
        file.unlink()
        equal(place.run("capture_schema_diff", branch=start, target_branch=end, file=file)["changes"], [], "no difference")
        holds(not file.exists(), "nothing to write, nothing written")


def a_script_that_breaks_off_leaves_nothing(version):
    """As one transaction; and otherwise the comparison knows what is left."""
    after = "CREATE TABLE t (id bigint, note text); CREATE INDEX by_note ON t (note); CREATE VIEW v AS SELECT 1 AS one;"
    stop = "CREATE VIEW v AS SELECT 2 AS two, 3 AS three;"
    with Given(version) as place, sides(place, "CREATE TABLE t (id int);", after) as (start, end):
        script = corpus.diff(place, start, end)["sql"]
        contains(script, "-- What was done of it fails a second time", "--single-transaction")
        contains(corpus.diff(place, start, end, online=True)["sql"], "cannot be one transaction", "compare anew")
        place.psql(branch=start, text=stop)
        place.psql("--single-transaction", branch=start, text=script, check=False)
        place.psql(branch=start, text="DROP VIEW v")
        equal(place.psql(branch=start, text="SELECT count(*) FROM pg_attribute WHERE attrelid = 't'::regclass AND attnum > 0"),
              "1", "nothing of it is done")
        place.psql("--single-transaction", branch=start, text=script)
        equal(corpus.diff(place, start, end)["has_changes"], False, "and is done, all of it")
        place.psql(branch=start, text="DROP VIEW v; DROP TABLE t; CREATE TABLE t (id int);" + stop)
        place.psql(branch=start, text=script, check=False)
        place.psql(branch=start, text="DROP VIEW v")
        rest = corpus.diff(place, start, end)["sql"]
        holds("CREATE VIEW" in rest and len(rest) < len(script), f"what is left of a half: {rest}")
        place.psql(branch=start, text=rest)
        equal(corpus.diff(place, start, end)["has_changes"], False, "is told by comparing anew")


def both_branches_can_be_named(version):
    with read_only(version) as (place, (start, end)):
        there = corpus.diff(place, start, end)
        named = place.run("capture_schema_diff", branch=place.database, source_branch=start, target_branch=end,
                          output="all")["result"]
        equal(named, there, "from a run on a third database")
        back = place.run("capture_schema_diff", branch=start, source_branch=end, output="text")["result"]
        contains(back["text"], "- table public.come", '~ column "Odd One"."T"."Big": type bigint -> integer')


def a_snapshot_stands_for_a_branch(version):
    with Given(version) as place, sides(place) as (start, end):
        there = corpus.diff(place, start, end)
        file = place.dir / "schema.json"
        file.write_text(place.cli("--json", "run", "read_schema", "--branch", end, check=0).stdout)
        found = place.run("capture_schema_diff", branch=start, to=file, output="all")["result"]
        equal((found["changes"], found["statements"]), (there["changes"], there["statements"]), "against a snapshot")
        corpus.apply(place, start, found["sql"])
        again = place.run("capture_schema_diff", branch=start, to=file, output="all")["result"]
        equal((again["has_changes"], again["sql"]), (False, ""), "after its SQL")
        both = place.run("capture_schema_diff", branch=start, **{"from": file, "to": file})["result"]
        equal(both["has_changes"], False, "a snapshot and itself")


def snapshots_are_not_trusted(version):
    with read_only(version) as (place, (start, end)):
        file = place.dir / "schema.json"
        good = json.loads(place.cli("--json", "run", "read_schema", "--branch", end, check=0).stdout)["result"]

        def refused(change, *words):
            bad = json.loads(json.dumps(good))
            for o in bad["objects"]:
                change(o)
            file.write_text(json.dumps(bad))
            answer = place.run("capture_schema_diff", branch=start, to=file, check=1)
            contains(answer["error"]["message"], *words)

        def rewrite(kind, attr, text):
            def change(o):
                if o["kind"] == kind and attr in o["attrs"]:
                    o["attrs"][o["attrs"].index(attr) + 1] = text
            return change

        refused(rewrite("view", "body", "SELECT 1; DROP TABLE here"), "not one statement")
        refused(rewrite("column", "create", "x int, y int) -- "), "not closed in itself")
        refused(rewrite("column", "type", "int, DROP COLUMN id"), "syntax error")
        refused(lambda o: o.update(kind="gadget"), "no kind of object")
        for text, word in [("", "no snapshot"), ("{}", "no snapshot"), ('{"objects": [{"kind": "table"', "no snapshot"),
                           ('{"schema_version": 2, "objects": 5}', "a list is missing"),
                           ('{"schema_version": 1, "objects": []}', "another version"), ('{"schema_version": "2"}', "no snapshot"),
                           ('{"schema_version": 2, "objects": [{"kind": "tab\\ud800le"}]}', "half a character")]:
            file.write_text(text)
            contains(place.run("capture_schema_diff", branch=start, to=file, check=1)["error"]["message"], word)


def people_choose_what_is_compared(version):
    with read_only(version) as (place, (start, end)):
        def text(**params):
            return corpus.diff(place, start, end, **params)["text"].splitlines()[1:]
        equal(text(schemas=["Odd One"], kinds=["index"]), ['- index "Odd One".old'], "one schema, one kind")
        holds(all("Odd One" not in line for line in text(exclude_schemas=["Odd One"])), "a schema left out")
        equal(text(kinds=["table", "view"]), ["+ table public.come", "+ view public.v"], "two kinds")
        holds("GRANT" in corpus.diff(place, start, end)["sql"], "grants are carried")
        bare = corpus.diff(place, start, end, privileges=False)["sql"]
        holds("GRANT" not in bare and "OWNER" not in bare, "unless they are not wanted")
        only = place.run("capture_schema_diff", branch=start, target_branch=end, output="sql")["result"]
        equal([k for k in ("text", "sql", "changes") if k in only], ["sql"], "what the result holds")


ORDERED = """
    CREATE FUNCTION below(a int, b int) RETURNS int LANGUAGE sql IMMUTABLE AS $$ SELECT {} $$;
    CREATE FUNCTION above(a int, b int) RETURNS int LANGUAGE sql IMMUTABLE AS $$ SELECT b - a $$;
    CREATE OPERATOR CLASS backwards FOR TYPE int USING btree AS OPERATOR 1 >, OPERATOR 2 >=, OPERATOR 3 =, OPERATOR 4 <=,
        OPERATOR 5 <, FUNCTION 1 {}(int, int);
    CREATE TYPE base;
    CREATE TABLE t (a int); INSERT INTO t VALUES (1), (1); CREATE INDEX ordered ON t (a backwards);
"""


def what_sql_does_not_carry_is_said(version):
    """What is made by hand is told where it comes, goes and differs, and nothing that uses it is touched."""
    more = "CREATE FUNCTION base_in(cstring) RETURNS base LANGUAGE internal IMMUTABLE STRICT AS 'textin';"
    before, after = ORDERED.format("1", "below"), ORDERED.format("1", "above") + more
    with Given(version) as place, sides(place, before, after) as (start, end):
        place.at_server(f"ALTER DATABASE {start} SET work_mem = '5MB'; ALTER DATABASE {end} SET work_mem = '6MB';"
                        f"ALTER DATABASE {end} SET app.secret = 'hush-hush'; GRANT CREATE ON DATABASE {end} TO pg_monitor;"
                        f"ALTER ROLE postgres IN DATABASE {start} SET work_mem = '7MB'")
        place.psql("-c", "CREATE UNIQUE INDEX CONCURRENTLY broken ON t (a)", branch=end, check=False)
        found = corpus.diff(place, start, end)
        skipped = {s["object"]: s["reason"] for s in found["skipped"]}
        equal({name: reason.split(";")[0] for name, reason in skipped.items() if "invalid" not in reason},
              {"OPERATOR FAMILY public.backwards USING btree": "is another one",
               "SETTING work_mem OF the database": "is another one", "SETTING app.secret OF the database": "is wanted",
               "SETTING work_mem OF ROLE postgres IN the database": "is no longer wanted",
               "PRIVILEGES ON the database": "is another one"}, "what is done by hand")
        contains(skipped["INDEX public.broken"], "build it anew there")
        contains(found["text"], "~ object OPERATOR FAMILY public.backwards USING btree: definition", "! SETTING app.secret OF the database is wanted",
                 "~ privileges the database: definition")
        holds("hush-hush" not in json.dumps(found), "what a database is set to stays there")
        holds("ordered" not in found["sql"], "an index on it stays as it is")
        bare = corpus.diff(place, start, end, privileges=False)
        holds("privileges" not in bare["text"], "unless privileges are not wanted")


def subscribing(*names, to="p"):
    return "".join(f"CREATE SUBSCRIPTION {n} CONNECTION 'dbname=nowhere password=hush-hush' PUBLICATION {to} WITH (connect = false, slot_name = NONE);"
                   for n in names)


def what_needs_another_server_or_a_module_is_said(version):
    """No SQL makes a subscription, as it needs a publisher and a password; labels need the module that gives them."""
    method = "CREATE ACCESS METHOD heap_too TYPE TABLE HANDLER heap_tableam_handler;"
    before = "CREATE TABLE t (a int);" + subscribing("same", "other", "gone")
    after = "CREATE TABLE t (a int);" + subscribing("same", "fresh") + subscribing("other", to="q") + method
    label = "INSERT INTO pg_seclabel SELECT 't'::regclass, 'pg_class'::regclass, {}, 'nobody', '{}'"
    with Given(version) as place, sides(place, before, after) as (start, end):
        try:
            place.sql(label.format(0, "low"), branch=start)
            place.sql(label.format(0, "high") + ";" + label.format(1, "own"), branch=end)
            found, back = corpus.diff(place, start, end), corpus.diff(place, end, start)
            itself = corpus.diff(place, end, end)
        finally:
            for database, names in ((start, ("same", "other", "gone")), (end, ("same", "other", "fresh"))):
                place.sql("".join(f"DROP SUBSCRIPTION IF EXISTS {n};" for n in names), branch=database)
    equal({s["object"]: s["reason"].split(";")[0] for s in found["skipped"]},
          {"SUBSCRIPTION other": "is another one", "SUBSCRIPTION fresh": "is wanted", "SUBSCRIPTION gone": "is no longer wanted",
           "ACCESS METHOD heap_too": "is wanted"}, "what is done by hand")
    contains(found["sql"], "SECURITY LABEL FOR nobody ON TABLE t IS 'high'", "SECURITY LABEL FOR nobody ON COLUMN t.a IS 'own'")
    contains(back["sql"], "SECURITY LABEL FOR nobody ON TABLE t IS 'low'", "SECURITY LABEL FOR nobody ON COLUMN t.a IS NULL")
    equal((itself["has_changes"], itself["sql"]), (False, ""), "compared with itself")
    holds("hush-hush" not in json.dumps([found, back]), "how to reach a publisher stays there")


def secrets_are_not_read(version):
    after = """
        CREATE FOREIGN DATA WRAPPER w;
        CREATE SERVER s FOREIGN DATA WRAPPER w OPTIONS (host 'h', password 'hush-hush', "API_Token" 'hush-hush');
        CREATE USER MAPPING FOR CURRENT_USER SERVER s OPTIONS (password 'hush-hush');
    """
    with Given(version) as place, sides(place, "", after) as (start, end):
        found = corpus.diff(place, start, end)
        holds("hush-hush" not in json.dumps(found), "the text, the model and the SQL")
        contains(found["sql"], "OPTIONS (host 'h')", "set them by hand")


def renames_are_asked_for(version):
    before = "CREATE TABLE t (id int, mail text NOT NULL, a int, b int);"
    after = "CREATE TABLE t (id int, email text NOT NULL, c int, d int);"
    with Given(version) as place, sides(place, before, after) as (start, end):
        found = corpus.diff(place, start, end)
        asked = {s["object"]: s["reason"] for s in found["skipped"]}
        equal(list(asked), ["COLUMN public.t.mail"], "what may have another name, and no guess among many")
        contains(asked["COLUMN public.t.mail"], "public.t.email")
        contains(found["sql"], "-- By hand: COLUMN public.t.mail may have been renamed")

        def say(pair, check=0):
            return place.run("capture_schema_diff", branch=start, target_branch=end, renamed=[pair], output="sql", check=check)
        said = say("public.t.mail=public.t.email")["result"]["sql"]
        contains(said, "ALTER TABLE public.t RENAME COLUMN mail TO email")
        holds("By hand" not in said, "nothing is asked any more")
        for wrong in ("public.t.mail", "public.t.mail=public.t.other", "public.t.id=public.t.email"):
            refused = say(wrong, check=1)["error"]
            contains(json.dumps(refused), wrong)
            holds(refused["hint"], "and what to say instead")


def an_ordinary_role_reads_the_same(version):
    role = f"lbops_reader_{os.getpid()}_{version}"
    with Given(version) as place, sides(place) as (start, end):
        place.at_server(f"CREATE ROLE {role} LOGIN")
        try:
            env = {f"LBOPS_TEST_PG{version}": place.server.replace("postgres@", f"{role}@", 1)}
            seen = place.run("capture_schema_diff", branch=start, target_branch=end, output="all", env=env)["result"]
            equal(seen, corpus.diff(place, start, end), "what a role without rights sees")
            place.at_server(f"REVOKE CONNECT ON DATABASE {end} FROM PUBLIC")
            denied = place.run("capture_schema_diff", branch=start, target_branch=end, env=env, check=None)
            contains(json.dumps(denied["error"]), end, "permission denied")
        finally:
            place.at_server(f"DROP ROLE {role}")


def temporary_tables_and_nothing_at_all(version):
    with Given(version) as place, sides(place, "", "") as (start, end):
        holder = place.session(branch=start)
        try:
            holder.stdin.write("CREATE TEMP TABLE mine (a int, b serial);\n\\echo made\n")
            holder.stdin.flush()
            equal(holder.stdout.readline().strip(), "made", "a temporary table")
            found = corpus.diff(place, start, end)
            equal((found["has_changes"], found["sql"]), (False, ""), "empty databases")
            contains(found["text"], "no difference")
        finally:
            holder.stdin.close()
            holder.wait()



def columns_in_another_order_are_told(version):
    """It is no difference, as nothing carries it out; what stands where it will stand is not told."""
    before = "CREATE TABLE moved (a int, b int); CREATE TABLE amid (a int, b int); CREATE TABLE grown (a int, gone int, b int);"
    after = ("CREATE TABLE moved (b int, a int); CREATE TABLE amid (a int, added int, b int);"
             "CREATE TABLE grown (a int, gone int, b int, c int, d int); ALTER TABLE grown DROP gone;")
    with Given(version) as place, sides(place, before, after) as (start, end):
        def told():
            found = corpus.diff(place, start, end)
            return found["has_changes"], sorted(s["object"] for s in found["skipped"] if "another order" in s["reason"])

        first = corpus.diff(place, start, end)
        equal(told(), (True, ["TABLE public.amid", "TABLE public.moved"]), "before")
        place.psql(branch=start, text=first["sql"])
        equal(told(), (False, ["TABLE public.amid", "TABLE public.moved"]), "and after what can be done")


MADE = """
        CREATE TABLE come_and_go (id int PRIMARY KEY, a int NOT NULL CHECK (a > 0), b text DEFAULT 'x');
        CREATE INDEX cag_a ON come_and_go (a);
        CREATE INDEX cag_b ON come_and_go (lower(b));
        CREATE VIEW cag_view AS SELECT a, b FROM come_and_go;
"""
CHURN = f"""
\\echo goes
DO $$ BEGIN
    LOOP {MADE}
        COMMIT;
        DROP TABLE come_and_go CASCADE;
        COMMIT;
    END LOOP;
END $$;
"""


def texts_of(document):
    """Of all that comes and goes, without the numbers that each making has of its own."""
    return {(o["kind"], o["address"]): {name: text for name, text in zip(o["attrs"][::2], o["attrs"][1::2]) if name != "since"}
            for o in document["objects"] if "come_and_go" in json.dumps(o) or "cag_" in json.dumps(o)}


def a_schema_is_of_one_moment(version):
    """Somebody makes and drops a table with all that belongs to it, as fast as the server can."""
    with Given(version) as place, sides(place, "CREATE TABLE stays (id int PRIMARY KEY);", MADE) as (start, end):
        whole = texts_of(place.run("read_schema", branch=end)["result"])
        holds(len(whole) > 10, f"there is something to see: {list(whole)}")
        runner = place.session(branch=start)
        try:
            runner.stdin.write(CHURN)
            runner.stdin.flush()
            equal(runner.stdout.readline().strip(), "goes", "the other session")
            held = 0
            for _ in range(12):
                answer = place.run("read_schema", branch=start, check=None)
                if answer["status"] == "ok":
                    held += 1
                    holds("TABLE public.stays" in json.dumps(answer["result"]), "what nobody touches")
                    seen = texts_of(answer["result"])
                    holds(seen in ({}, whole), f"all of it or nothing, not {seen}")
                else:
                    contains(answer["error"]["message"], "changes all the time")
            holds(held > 6, f"most readings come to an end: {held} of 12")
            equal(runner.poll(), None, "it went on until then")
        finally:
            runner.kill()
            runner.wait()


EMPTIED = """
\\echo goes
DO $$ BEGIN
    LOOP
        TRUNCATE emptied;
        REFRESH MATERIALIZED VIEW refreshed;
        COMMIT;
    END LOOP;
END $$;
"""


def what_is_filled_anew_is_the_same(version):
    """A table that is emptied all the time has a new row in pg_class each time, which says the same."""
    with Given(version) as place, sides(place, "", "CREATE TABLE emptied (id int PRIMARY KEY, t text);"
                                        "CREATE MATERIALIZED VIEW refreshed AS SELECT 1 AS n;") as (_, end):
        runner = place.session(branch=end)
        try:
            runner.stdin.write(EMPTIED)
            runner.stdin.flush()
            equal(runner.stdout.readline().strip(), "goes", "the other session")
            for _ in range(5):
                holds("TABLE public.emptied" in json.dumps(place.run("read_schema", branch=end)["result"]), "it is read")
            equal(runner.poll(), None, "it went on until then")
        finally:
            runner.kill()
            runner.wait()


SLOW = """
CREATE TABLE held (a int);
CREATE VIEW v AS SELECT a FROM held;
CREATE TABLE other (id int, mail text CHECK (mail <> ''));
CREATE INDEX by_mail ON other (mail);
"""
RENAMES = """
BEGIN;
LOCK TABLE held IN ACCESS EXCLUSIVE MODE;
\\echo held
DO $$ BEGIN
    LOOP
        EXIT WHEN EXISTS (SELECT FROM pg_locks WHERE relation = 'held'::regclass AND NOT granted);
        PERFORM pg_sleep(0.01);
    END LOOP;
END $$;
ALTER TABLE other RENAME mail TO email;
COMMIT;
"""


def what_changes_meanwhile_is_read_anew(version):
    """The server prints an index as it is when it prints it: here the column has another name by then."""
    with Given(version) as place, sides(place, SLOW, "") as (start, _):
        place.transport += "\nlock_timeout_ms = 100000"
        place.write()
        holder = place.session(branch=start)
        try:
            holder.stdin.write(RENAMES)
            holder.stdin.flush()
            equal(holder.stdout.readline().strip(), "held", "the view's table")
            objects = place.run("read_schema", branch=start)["result"]["objects"]
        finally:
            holder.stdin.close()
            holder.wait()
        texts = [t for o in objects for t in [o["address"], *o["attrs"]] if "mail" in t]
        holds(any(t.endswith("(email)") for t in texts), f"the index: {texts}")
        equal([t for t in texts if "by_mail" not in t and "email" not in t and "_mail_check" not in t], [], "the old name")


def wrong_input_gets_a_sentence(version):
    with Given(version) as place:
        def refused(*words, **params):
            answer = place.run("capture_schema_diff", check=None, **params)
            contains(json.dumps(answer["error"]), *words)
            holds(answer.get("status") != "ok", "it is refused")
        refused("nothing to compare with", "--source_branch")
        refused("a side is given twice", source_branch="x", **{"from": "y"})
        refused("no kind of object", target_branch="x", kinds=["gadget"])
        refused("no database no_such_database", target_branch="no_such_database")
        refused("no_such_file", to="/no_such_file")
        refused("output", target_branch="x", output="poem")


NAMED = """
CREATE ROLE {role};
CREATE TABLE t (id int PRIMARY KEY, mail text NOT NULL DEFAULT '-' CHECK (mail <> ''), note text, a int);
CREATE INDEX mail ON t (lower(mail));
GRANT SELECT (mail) ON t TO {role};
COMMENT ON TABLE t IS 'of public.orders';
CREATE TABLE orders (id serial PRIMARY KEY, t_id int REFERENCES t, state text CHECK (state <> ''));
CREATE INDEX by_state ON orders (state);
CREATE TABLE lines (id int PRIMARY KEY, order_id int REFERENCES orders (id));
CREATE VIEW joined AS SELECT orders.id, lines.id AS line, t.mail FROM orders JOIN lines ON order_id = orders.id JOIN t ON t.id = t_id;
CREATE MATERIALIZED VIEW counted AS SELECT count(*) AS n FROM orders;
GRANT SELECT ON orders TO {role};
CREATE TABLE other (id int);
INSERT INTO t VALUES (1, 'a@b'); INSERT INTO orders (t_id, state) VALUES (1, 'new'); INSERT INTO lines VALUES (7, 1);
"""


def migrate(place, branch="production"):
    """With a ledger: what branches have in common of it is from before they parted."""
    folder = place.dir / "migrations"
    folder.mkdir(exist_ok=True)
    (folder / "V001__first.sql").write_text("CREATE TABLE IF NOT EXISTS first (id int PRIMARY KEY);\n")
    place.run("apply_schema_migration", branch=branch, dir=folder)


def branches_of_a_lakebase(version):
    """They keep the OIDs of their parent: what has another name keeps its rows, there and back."""
    with Local(version) as place:
        place.sql(NAMED.format(role="reader"))
        migrate(place)
        place.cli("target", "create", "dev-1", "--ttl", "1h", check=0)
        place.sql("ALTER TABLE t RENAME mail TO email; ALTER TABLE orders RENAME TO requests; ALTER TABLE t DROP note;"
                  "ALTER TABLE t ADD remark text; ALTER TABLE t ADD b int; ALTER TABLE other RENAME TO others;"
                  "ALTER TABLE others ADD more int; ALTER TABLE others RENAME id TO no", branch="dev-1")
        found = place.run("capture_schema_diff", target_branch="dev-1", output="all")["result"]
        names = [(c["kind"], c["before"], c["object"]) for c in found["changes"] if c["attribute"] == "name"]
        equal(sorted(names), [("column", "id", "public.others.no"), ("column", "mail", "public.t.email"),
                              ("table", "orders", "public.requests"), ("table", "other", "public.others")],
              "what has another name")
        equal(found["diff"]["columns_removed"], ["public.t.note"], "and what is gone")
        step = {s["sql"]: s for s in found["statements"]}["ALTER TABLE public.t RENAME COLUMN mail TO email"]
        equal((step["lock"], step["risk"].split(":")[0]), ("ACCESS EXCLUSIVE", "breaking"), "its hazard")
        asked = {s["object"]: s["reason"] for s in found["skipped"] if "renamed" in s["reason"]}
        equal(sorted(asked), ["COLUMN public.t.note"], "the same shape, another number: people know")
        for kept in ("by_state", "INDEX mail", "counted", "CONSTRAINT", "GRANT", "COMMENT"):
            holds(kept not in found["sql"], f"{kept} stays as it is:\n{found['sql']}")
        back = place.run("capture_schema_diff", source_branch="dev-1", target_branch="production", output="sql")["result"]["sql"]
        contains(back, "RENAME COLUMN email TO mail", "ALTER TABLE public.requests RENAME TO orders",
                 "ALTER TABLE public.other RENAME COLUMN no TO id")

        def rows():
            return place.sql("SELECT r.state, l.id, j.mail FROM lines l JOIN requests r ON r.id = l.order_id JOIN joined j ON j.id = r.id")
        place.sql(found["sql"])
        equal(rows().strip(), "new|7|a@b", "the rows are there")
        again = place.run("capture_schema_diff", target_branch="dev-1", output="all")["result"]
        equal((again["has_changes"], again["sql"]), (False, ""), "it is what the branch is")
        place.sql(back)
        equal(place.sql("SELECT mail FROM t JOIN orders ON t_id = t.id").strip(), "a@b", "and back, with the rows")
        equal(place.run("capture_schema_diff", target_branch="production")["result"]["has_changes"], False, "itself")


def views_of_renamed_columns(version):
    """One has followed the table and keeps its own column's name, the other was made anew with the new one; and a value
    is no name."""
    with Local(version) as place:
        place.sql("CREATE TABLE t (id int PRIMARY KEY, mail text, CONSTRAINT odd CHECK (mail <> 'mail')); INSERT INTO t VALUES (1, 'a@b');"
                  "CREATE VIEW follows AS SELECT mail FROM t; CREATE VIEW anew AS SELECT mail FROM t;"
                  "CREATE MATERIALIZED VIEW held AS SELECT mail FROM t")
        migrate(place)
        place.cli("target", "create", "dev-1", "--ttl", "1h", check=0)
        place.sql("ALTER TABLE t RENAME mail TO email; DROP VIEW anew; CREATE VIEW anew AS SELECT email FROM t;"
                  "ALTER TABLE t DROP CONSTRAINT odd, ADD CONSTRAINT odd CHECK (email <> 'email')", branch="dev-1")
        found = place.run("capture_schema_diff", target_branch="dev-1", output="all")["result"]
        contains(found["sql"], "RENAME COLUMN mail TO email")
        place.sql(found["sql"])
        equal(place.sql("SELECT a.email, f.mail, h.mail FROM anew a, follows f, held h"), "a@b|a@b|a@b", "each has the name that it has there")
        again = place.run("capture_schema_diff", target_branch="dev-1", output="all")["result"]
        equal((again["has_changes"], again["sql"]), (False, ""), "it is what the branch is")


BOTH = ("CREATE TABLE {0}_table (id int, note text); ALTER TABLE t ADD {0}_column text;"
        "INSERT INTO t (id, {0}_column) VALUES (1, 'of {0}')")


def what_both_sides_added_is_two_things(version):
    """The numbers of what two people make on their branches are the same, and so is its shape, by chance."""
    with Local(version) as place:
        place.sql("CREATE TABLE t (id int, was text)")
        migrate(place)
        for branch in ("dev-1", "dev-2"):
            place.cli("target", "create", branch, "--ttl", "1h", check=0)
            place.sql(BOTH.format(branch.replace("-", "_")), branch=branch)
        place.sql("ALTER TABLE t RENAME was TO named", branch="dev-2")
        tables = [place.sql(f"SELECT '{b}_table'::regclass::oid::int", branch=b.replace("_", "-")) for b in ("dev_1", "dev_2")]
        is_taken_twice = tables[0] == tables[1]  # mostly: a server that did not stop cleanly leaves some numbers out
        found = place.run("capture_schema_diff", branch="dev-1", target_branch="dev-2", output="all")["result"]
        equal([s["sql"] for s in found["statements"] if "RENAME" in s["sql"]],
              ["ALTER TABLE public.t RENAME COLUMN was TO named"], "only what was there before they parted is renamed")
        asked = {s["object"]: s["reason"] for s in found["skipped"]}
        equal(sorted(asked), ["COLUMN public.t.dev_1_column", *["TABLE public.dev_1_table"] * is_taken_twice], "the rest is asked for")
        for question in asked.values():
            contains(question, "renamed public.", "=public.", " RENAME ", "takes their place")
        drop = {s["sql"]: s for s in found["statements"]}["ALTER TABLE public.t DROP COLUMN dev_1_column"]
        equal(drop["risk"], "data loss", "and says what it loses")
        place.sql(found["sql"], branch="dev-1")
        equal(place.sql("SELECT count(*), count(dev_2_column) FROM t", branch="dev-1").strip(), "1|0",
              "nothing of mine is called theirs")


def what_nothing_proves_people_say(version):
    """Without a ledger, and without the times of transactions, nobody knows when two branches parted."""
    with Local(version) as place:
        place.sql("CREATE TABLE t (id int, mail text); INSERT INTO t VALUES (1, 'a@b'); CREATE TABLE u (id int)")
        place.cli("target", "create", "dev-1", "--ttl", "1h", check=0)
        place.sql("ALTER TABLE t RENAME mail TO email; ALTER TABLE u RENAME TO v", branch="dev-1")
        found = place.run("capture_schema_diff", target_branch="dev-1", output="all")["result"]
        equal([s["sql"] for s in found["statements"] if "RENAME" in s["sql"]], [], "nothing is proven")
        equal(sorted(s["object"] for s in found["skipped"]), ["COLUMN public.t.mail", "TABLE public.u"], "so it asks")
        said = place.run("capture_schema_diff", target_branch="dev-1", output="all",
                         renamed=["public.t.mail=public.t.email", "public.u=public.v"])["result"]
        equal([s["sql"] for s in said["statements"] if "TABLE" in s["sql"]],
              ["ALTER TABLE public.u RENAME TO v", "ALTER TABLE public.t RENAME COLUMN mail TO email"], "what people know")
        place.sql(said["sql"])
        equal(place.sql("SELECT email FROM t LEFT JOIN v ON v.id = t.id").strip(), "a@b", "and the rows are there")
        equal(place.run("capture_schema_diff", target_branch="dev-1")["result"]["has_changes"], False, "after it")


def times_of_transactions_prove_it_too(version):
    """Where the server keeps them, no ledger is needed. A server reads that setting when it starts, as a branch's does."""
    with Local(version) as place:
        place.sql("ALTER SYSTEM SET track_commit_timestamp TO on")
        place.cli("target", "create", "dev-1", "--keep", check=0)
        place.sql("CREATE TABLE t (id int, mail text)", branch="dev-1")
        place.cli("target", "create", "dev-2", "--from", "dev-1", "--ttl", "1h", check=0)
        place.sql("ALTER TABLE t RENAME mail TO email", branch="dev-2")
        for branch in ("dev-1", "dev-2"):
            place.sql(BOTH.format(branch.replace("-", "_")), branch=branch)
        found = place.run("capture_schema_diff", branch="dev-1", target_branch="dev-2", output="all")["result"]
        equal([s["sql"] for s in found["statements"] if "RENAME" in s["sql"]],
              ["ALTER TABLE public.t RENAME COLUMN mail TO email"], "what both have from before, and nothing else")
        contains(found["sql"], "DROP COLUMN dev_1_column", "DROP TABLE public.dev_1_table")


def branches_of_a_workspace():
    with Workspace() as place:
        place.project()
        place.sql("CREATE TABLE t (id int PRIMARY KEY, note text)")
        place.cli("target", "create", "ci-1", "--ttl", "1h", check=0)
        place.sql("ALTER TABLE t ADD COLUMN more int; CREATE INDEX t_note ON t (note)", branch="ci-1")
        found = place.run("capture_schema_diff", target_branch="ci-1", output="all")["result"]
        equal([found["diff"]["columns_added"], found["diff"]["indexes_added"]], [["public.t.more"], ["public.t_note"]], "it has more")
        place.sql(found["sql"])
        equal(place.run("capture_schema_diff", target_branch="ci-1")["result"]["has_changes"], False, "once that was done")


# What does not depend on the server is shown once.
NEWEST = [each_version(test)[-1] for test in (snapshots_are_not_trusted,
                                              people_choose_what_is_compared, wrong_input_gets_a_sentence)]
suite(branches_of_a_workspace, *NEWEST, *each_version(branches_of_a_lakebase, views_of_renamed_columns, what_both_sides_added_is_two_things, what_nothing_proves_people_say,
                             times_of_transactions_prove_it_too, it_says_what_differs, each_statement_names_its_hazard, a_file_is_written_through_the_door,
                             a_script_that_breaks_off_leaves_nothing,
                             both_branches_can_be_named, a_snapshot_stands_for_a_branch,
                             what_sql_does_not_carry_is_said, what_needs_another_server_or_a_module_is_said, columns_in_another_order_are_told, secrets_are_not_read,
                             renames_are_asked_for, an_ordinary_role_reads_the_same,
                             temporary_tables_and_nothing_at_all, a_schema_is_of_one_moment, what_is_filled_anew_is_the_same,
                             what_changes_meanwhile_is_read_anew))
