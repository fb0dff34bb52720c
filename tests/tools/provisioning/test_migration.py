"""apply_schema_migration: what it applies, in which order, and what it refuses. The database is looked at afterwards."""

import hashlib
import json
import shutil

from migrating import FIRST, Migrations, rules
from place import VERSIONS, Local, contains, each_version, equal, holds, suite


def applies_each_file_once(version):
    with Migrations(version, V1__orders=FIRST, V2__notes="""
-- a column, and what it starts with
ALTER TABLE app.orders ADD COLUMN IF NOT EXISTS note text DEFAULT 'none';
INSERT INTO app.orders (id) VALUES (1), (2) ON CONFLICT DO NOTHING;
""", R__view="CREATE OR REPLACE VIEW app.totals AS SELECT sum(total) AS total FROM app.orders;") as place:
        done = place.migrate()
        equal(done["status"], "ok", "status")
        equal([m["file"] for m in done["result"]["migrations"]], ["V1__orders.sql", "V2__notes.sql", "R__view.sql"], "order")
        equal(done["result"]["version"], "2", "version")
        equal(place.sql("SELECT string_agg(note, ',' ORDER BY id) FROM app.orders"), "none,none", "rows")
        event = [e for e in done["events"] if e["type"] == "schema.migrated"]
        equal(event[0]["payload"]["migrations_applied"], 3, "told")
        equal([r["event_type"] for r in place.waiting("branch_lifecycle")], ["migrated"], "history")
        before = place.ledger()
        again = place.migrate()
        equal((again["changes"], again["events"], again["result"]["applied"]), ([], [], 0), "a second run changes nothing")
        equal(place.ledger(), before, "the ledger")


def other_layouts_are_read(version):
    with Migrations(version, **{"001_orders": FIRST, "20240131120000_late": "COMMENT ON TABLE app.orders IS 'late';",
                                "2.up": "COMMENT ON TABLE app.orders IS 'two';", "2.down": "SELECT 1;",
                                "notes": "DROP TABLE app.orders;"}) as place:
        done = place.migrate()
        equal([m["version"] for m in done["result"]["migrations"]], ["001", "2", "20240131120000"], "order")
        equal(place.sql("SELECT obj_description('app.orders'::regclass)"), "late", "the last one won")
        equal([s["object"] for s in done["result"]["skipped"]], ["notes.sql"], "no version")


def flyways_folders_are_read(version):
    """As Flyway scans its locations; a folder of another layout is told of, and not read."""
    def put(place, **texts):
        for name, text in texts.items():
            (place.files / name).parent.mkdir(parents=True, exist_ok=True)
            (place.files / name).write_text(text)

    def skipped(document):
        return {s["object"]: s["reason"] for s in document["result"]["skipped"] if "no version between" not in s["object"]}

    with Migrations(version, V1__orders=FIRST) as place:
        put(place, **{"2024/V7__more.sql": "ALTER TABLE app.orders ADD COLUMN IF NOT EXISTS a int;",
                      "2024/q1/V3__x.sql": "ALTER TABLE app.orders ADD COLUMN IF NOT EXISTS b int;",
                      "views/R__all.sql": "CREATE OR REPLACE VIEW app.ids AS SELECT id FROM app.orders;",
                      "2024/U7__more.sql": "ALTER TABLE app.orders DROP COLUMN IF EXISTS a;",
                      "2024/.old/V9__x.sql": "DROP TABLE app.orders;", "2024/010_x.sql": "DROP TABLE app.orders;",
                      "2024/notes.sql": "DROP TABLE app.orders;", "B7__all.sql": "DROP TABLE app.orders;"})
        (place.files / "again").symlink_to(place.files)
        done = place.migrate()
        equal([m["file"] for m in done["result"]["migrations"]],
              ["V1__orders.sql", "2024/q1/V3__x.sql", "2024/V7__more.sql", "views/R__all.sql"], "in the order of versions")
        columns = "SELECT string_agg(attname, ',' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'app.orders'::regclass AND attnum > 0 AND NOT attisdropped"
        equal([place.sql(columns), place.exists("app.ids")], ["id,total,b,a", True], "they are there")
        equal(sorted(skipped(done)), ["2024/010_x.sql", "2024/notes.sql", "B7__all.sql", "again"], "what is left is told")
        contains(skipped(done)["B7__all.sql"], "a baseline migration of Flyway", "--baseline")
        contains(skipped(done)["again"], "not followed")
        equal(place.migrate()["changes"], [], "a second run changes nothing")
        (place.files / "views" / "R__all.sql").rename(place.files / "R__all.sql")
        equal(place.migrate()["changes"], [], "a repeatable one is the same in another folder")
        equal(place.migrate(undo=True)["result"]["version"], "3", "the way back lies in a folder too")
        equal(place.sql(columns), "id,total,b", "and was gone")
        put(place, **{"views/R__all.sql": "SELECT 1;"})
        place.refused("R__all.sql and views/R__all.sql have the same name")
        put(place, **{"2025/V3__again.sql": "SELECT 1;"})
        place.refused("have the same version")
        shutil.rmtree(place.files / "2025")
        put(place, **{"/".join("d" * 17) + "/V8__deep.sql": "SELECT 1;"})
        place.refused("more than 16 folders deep")

    with Migrations(version, **{"001_orders": FIRST}) as place:
        put(place, **{"seeds/V2__x.sql": "DROP TABLE app.orders;", "seeds/more/003_x.sql": "DROP TABLE app.orders;", "docs/a.md": "x"})
        done = place.migrate()
        equal([[m["file"] for m in done["result"]["migrations"]], sorted(skipped(done))], [["001_orders.sql"], ["seeds", "seeds/more"]],
              "a layout of another tool")
        named = place.migrate(judge_only=["seeds/V2__x.sql", "001_orders.sql"])
        equal(list(skipped(named)), ["seeds/V2__x.sql"], "nor judged")


def placeholders_are_refused(version):
    """Flyway replaces them before a server sees anything; as they stand they mean something else, or nothing."""
    with Migrations(version, V1__orders=FIRST, V2__of="COMMENT ON TABLE app.orders IS 'of ${owner}';\n") as place:
        document = place.refused("V2__of.sql, line 1, column 36: placeholder: Flyway puts a value", "lbops:allow placeholder")
        equal([f["object"] for f in document["result"]["findings"] if f["kind"] == "placeholder"], ["${owner}"], "which one")
        equal(place.exists("app.orders"), False, "nothing was executed, of the file before it neither")
        place.put("V2__of", "CREATE TABLE IF NOT EXISTS ${schema}.t (id bigint PRIMARY KEY);\n")
        place.refused("V2__of.sql, line 1, column 28: placeholder: ")
        place.put("V2__of", "-- lbops:allow placeholder because a template is meant\nCOMMENT ON TABLE app.orders IS 'of ${owner}';\n")
        place.migrate()
        equal(place.sql("SELECT obj_description('app.orders'::regclass)"), "of ${owner}", "as it was meant")
    with Migrations(version, **{"001_orders": FIRST + "COMMENT ON TABLE app.orders IS 'of ${owner}';\n"}) as place:
        place.migrate()
        equal(place.sql("SELECT obj_description('app.orders'::regclass)"), "of ${owner}", "no other tool's names mean that")


def a_plan_changes_nothing(version):
    with Migrations(version, V1__orders=FIRST, V2__drop="DROP SCHEMA IF EXISTS app CASCADE;") as place:
        plan = place.migrate(plan=True)
        equal(plan["mode"], "plan", "mode")
        holds({"schema-drop", "drop-cascade"} <= rules(plan), f"rules: {rules(plan)}")
        finding = next(f for f in plan["result"]["findings"] if f["kind"] == "schema-drop")
        equal((finding["evidence"]["file"], finding["evidence"]["line"], finding["evidence"]["column"]),
              ("V2__drop.sql", 1, 1), "place")
        equal({c["executed"] for c in plan["changes"]}, {False}, "executed")
        holds(any(c["effect"] == "destructive" for c in plan["changes"]), "a destructive change is planned")
        equal(place.sql("SELECT count(*) FROM pg_namespace WHERE nspname IN ('app', 'lbops_migration')"), "0", "schemas")


def what_a_second_run_would_break_is_refused_with_its_rewrite(version):
    with Migrations(version, V1__orders="CREATE SCHEMA IF NOT EXISTS app;\n  CREATE TABLE app.orders (id bigint PRIMARY KEY);") as place:
        document = place.refused("V1__orders.sql, line 2, column 3: not-idempotent",
                                 "CREATE TABLE IF NOT EXISTS app.orders")
        finding = next(f for f in document["result"]["findings"] if f["kind"] == "not-idempotent")
        equal(finding["impact"]["safe_form"], "CREATE TABLE IF NOT EXISTS app.orders (id bigint PRIMARY KEY)", "rewrite")
        equal(place.exists("app.orders"), False, "nothing was done")
        place.put("V1__orders", "CREATE SCHEMA IF NOT EXISTS app;\n" + finding["impact"]["safe_form"] + ";")
        place.migrate()
        equal(place.exists("app.orders"), True, "the rewrite passes")
        place.put("V2__type", "-- lbops:allow not-idempotent because it is applied by hand where it is needed twice\n"
                              "CREATE TYPE app.mood AS ENUM ('a');")
        done = place.migrate()
        contains(str(done["result"]["findings"]), "applied by hand")
        place.put("V3__bare", "-- lbops:allow not-idempotent\nCREATE TYPE app.other AS ENUM ('a');")
        place.refused("does not say why")
        # Of a policy that is dropped on another table the one that is made here knows nothing.
        (place.files / "V3__bare.sql").unlink()
        place.put("V3__policy", "CREATE TABLE IF NOT EXISTS app.lines (id bigint PRIMARY KEY);\n"
                                "DROP POLICY IF EXISTS own ON app.lines;\nCREATE POLICY own ON app.orders USING (id > 0);")
        place.refused("V3__policy.sql, line 3, column 1: not-idempotent")
        place.put("V3__policy", (place.files / "V3__policy.sql").read_text().replace("EXISTS own ON app.lines", "EXISTS own ON app.orders"))
        document = place.migrate(plan=True)
        equal([document["status"], "not-idempotent" in str([f for f in document["result"]["findings"] if f["object"].startswith("V3")])],
              ["ok", False], "dropped and made on one table, it can be run again")


def error_of(place, statement):
    try:
        place.psql("-c", statement)
    except AssertionError as error:
        return str(error)
    return "none"


def advice_is_what_this_server_takes(version):
    """By the catalogue and by the files behind: what it says is then done here, and is refused where it says so."""
    parts = """
CREATE SCHEMA app;
CREATE TABLE app.kinds (id int PRIMARY KEY); CREATE TABLE app.plain (kind int); CREATE TABLE app.parts (id int, kind int) PARTITION BY RANGE (id);
CREATE TABLE app.low PARTITION OF app.parts FOR VALUES FROM (0) TO (10); CREATE TABLE app.rest PARTITION OF app.parts DEFAULT;
INSERT INTO app.kinds VALUES (1); INSERT INTO app.parts VALUES (1, 1), (11, 1);
"""
    key = "FOREIGN KEY (kind) REFERENCES app.kinds"
    allow = "-- lbops:allow not-idempotent because it is tried\n"
    with Migrations(version, V1__key=f"{allow}ALTER TABLE app.parts ADD CONSTRAINT k {key};",
                    V2__key=f"{allow}ALTER TABLE app.plain ADD CONSTRAINT k {key};",
                    V3__part=f"{allow}ALTER TABLE app.parts DETACH PARTITION app.low;",
                    V4__open=f"{allow}ALTER TABLE app.plain ADD CONSTRAINT a CHECK (kind > 0) NOT VALID;",
                    V5__open=f"{allow}ALTER TABLE app.plain ADD CONSTRAINT b CHECK (kind > 1) NOT VALID;",
                    V6__valid="ALTER TABLE app.plain VALIDATE CONSTRAINT a;",
                    U5__open="ALTER TABLE app.plain VALIDATE CONSTRAINT b;") as place:
        place.sql(parts)

        def advice(rule):
            found = place.migrate(plan=True)["result"]["findings"]
            return {f["evidence"]["file"][:2]: f["impact"]["safe_form"] for f in found if f["kind"] == rule}
        keys = advice("foreign-key-not-deferred")
        contains(keys["V1"], "add it to each partition NOT VALID", "takes these over")
        equal(keys["V2"], f"ALTER TABLE app.plain ADD CONSTRAINT k {key} NOT VALID; ALTER TABLE app.plain VALIDATE CONSTRAINT k", "a table without partitions")
        contains(error_of(place, f"ALTER TABLE app.parts ADD CONSTRAINT k {key} NOT VALID"), "cannot add NOT VALID foreign key")
        for part in ("low", "rest"):
            place.sql(f"ALTER TABLE app.{part} ADD CONSTRAINT k {key} NOT VALID; ALTER TABLE app.{part} VALIDATE CONSTRAINT k")
        place.sql(f"ALTER TABLE app.parts ADD CONSTRAINT k {key}")
        equal(place.sql("SELECT count(*) FROM pg_constraint WHERE conparentid = (SELECT oid FROM pg_constraint WHERE conname = 'k' "
                        "AND conrelid = 'app.parts'::regclass) AND conrelid <> 'app.parts'::regclass"), "2", "taken over, not made again")
        contains(advice("partition-detach-not-concurrent")["V3"], "while there is the default partition app.rest")
        contains(error_of(place, "ALTER TABLE app.parts DETACH PARTITION app.low CONCURRENTLY"), "when a default partition exists")
        place.sql("DROP TABLE app.rest")
        equal(advice("partition-detach-not-concurrent")["V3"], "DETACH PARTITION ... CONCURRENTLY", "once that is gone")
        place.psql("-c", "ALTER TABLE app.parts DETACH PARTITION app.low CONCURRENTLY")
        equal(list(advice("not-valid-never-validated")), ["V5"], "what no later file validates")


def advice_on_indexes_is_what_this_server_takes(version):
    """Of a partitioned table and its indexes, where CONCURRENTLY and USING INDEX are refused; of a plain one as ever."""
    parts = """
CREATE SCHEMA app;
CREATE TABLE app.plain (kind int NOT NULL); CREATE INDEX plain_old ON app.plain (kind);
CREATE TABLE app.parts (id int NOT NULL, kind int) PARTITION BY RANGE (id); CREATE INDEX parts_old ON app.parts (kind);
CREATE TABLE app.low PARTITION OF app.parts FOR VALUES FROM (0) TO (10); CREATE TABLE app.high PARTITION OF app.parts FOR VALUES FROM (10) TO (20);
INSERT INTO app.parts VALUES (1, 1), (11, 1);
"""
    allow = "-- lbops:allow not-idempotent because it is tried\n"
    with Migrations(version, V1__index="CREATE INDEX IF NOT EXISTS by_kind ON app.parts (kind);",
                    V2__only="CREATE INDEX IF NOT EXISTS by_kind ON ONLY app.parts (kind);",
                    V3__plain="CREATE INDEX IF NOT EXISTS plain_kind ON ONLY app.plain (kind);",
                    V4__key=f"{allow}ALTER TABLE app.parts ADD CONSTRAINT parts_key PRIMARY KEY (id);",
                    V5__unique=f"{allow}ALTER TABLE app.parts ADD CONSTRAINT parts_unique UNIQUE (id, kind);",
                    V6__plain=f"{allow}ALTER TABLE app.plain ADD CONSTRAINT plain_key PRIMARY KEY (kind);",
                    V7__drop="DROP INDEX IF EXISTS app.plain_old, app.parts_old;") as place:
        place.sql(parts)
        found = place.migrate(plan=True)["result"]["findings"]
        told = {(f["kind"], f["evidence"]["file"][:2], f["object"]): f["impact"]["safe_form"] for f in found}

        def advice(rule):
            return {k[1]: v for k, v in told.items() if k[0] == rule}
        index = advice("index-not-concurrent")
        equal(sorted(index), ["V1", "V3"], "ON ONLY of a partitioned table is how it begins")
        contains(index["V1"], "CREATE INDEX by_kind ON ONLY app.parts", "ATTACH PARTITION")
        contains(index["V3"], "CREATE INDEX CONCURRENTLY IF NOT EXISTS plain_kind")
        contains(error_of(place, "CREATE INDEX CONCURRENTLY by_kind ON app.parts (kind)"), "on partitioned table")
        place.sql("CREATE INDEX by_kind ON ONLY app.parts (kind)")
        for part in ("low", "high"):
            place.psql("-c", f"CREATE INDEX CONCURRENTLY {part}_kind ON app.{part} (kind)")
            place.sql(f"ALTER INDEX app.by_kind ATTACH PARTITION app.{part}_kind")
        equal(place.sql("SELECT indisvalid FROM pg_index WHERE indexrelid = 'app.by_kind'::regclass"), "t", "valid with the last one")

        for rule, file, what, columns in (("primary-key-builds-index", "V4", "PRIMARY KEY", "id"),
                                          ("unique-builds-index", "V5", "UNIQUE", "id, kind")):
            contains(advice(rule)[file], "on each partition of app.parts CREATE UNIQUE INDEX CONCURRENTLY", f"ADD CONSTRAINT ... {what} USING INDEX")
            name = f"k{file.lower()}"
            place.sql(f"CREATE UNIQUE INDEX {name} ON app.parts ({columns})")
            contains(error_of(place, f"ALTER TABLE app.parts ADD CONSTRAINT {name} {what} USING INDEX {name}"), "not supported on partitioned tables")
            place.sql(f"DROP INDEX app.{name}")
            for part in ("low", "high"):
                place.psql("-c", f"CREATE UNIQUE INDEX CONCURRENTLY {part}_{name} ON app.{part} ({columns})")
                place.sql(f"ALTER TABLE app.{part} ADD CONSTRAINT {part}_{name} {what} USING INDEX {part}_{name}")
            place.sql(f"ALTER TABLE app.parts ADD CONSTRAINT {name} {what} ({columns})")
            equal(place.sql(f"SELECT string_agg(inhrelid::regclass::text, ' ' ORDER BY inhrelid) FROM pg_inherits WHERE inhparent = 'app.{name}'::regclass"),
                  f"app.low_{name} app.high_{name}", "taken over, not built again")
        contains(advice("primary-key-builds-index")["V6"], "PRIMARY KEY USING INDEX")

        drops = {k[2]: v for k, v in told.items() if k[0] == "index-drop-not-concurrent"}
        contains(drops["app.plain_old"], "DROP INDEX CONCURRENTLY")
        contains(drops["app.parts_old"], "CONCURRENTLY is refused for app.parts_old", "locked out for a moment")
        contains(error_of(place, "DROP INDEX CONCURRENTLY app.parts_old"), "cannot drop partitioned index")


def what_the_catalogue_alone_knows_is_told(version):
    """Views, keys, partitions and policies that were there before: each rule where it is so, and not in the file beside it."""
    there = """
CREATE SCHEMA app;
CREATE TABLE app.t (id int CONSTRAINT t_named PRIMARY KEY, a int, b int); CREATE TABLE app.u (t int REFERENCES app.t);
CREATE VIEW app.v AS SELECT a FROM app.t; CREATE PUBLICATION told FOR TABLE app.t;
CREATE TABLE app.secured (a int); ALTER TABLE app.secured ENABLE ROW LEVEL SECURITY;
CREATE TABLE app.plain (a int NOT NULL, b int); CREATE UNIQUE INDEX plain_a ON app.plain (a); CREATE UNIQUE INDEX plain_b ON app.plain (b);
CREATE TABLE app.parts (id int) PARTITION BY RANGE (id); CREATE TABLE app.low PARTITION OF app.parts FOR VALUES FROM (0) TO (10);
CREATE TABLE app.rest PARTITION OF app.parts DEFAULT;
CREATE TABLE app.days (id int, day date) PARTITION BY RANGE (day); CREATE TABLE app.texts (id int, t text) PARTITION BY LIST (lower(t));
"""
    allow = "-- lbops:allow not-idempotent because it is tried\n"
    retype = "ALTER TABLE app.t ALTER COLUMN a TYPE bigint;"
    with Migrations(version, V1__type=retype, V2__free=f"DROP VIEW IF EXISTS app.v; {retype}",
                    V3__key="ALTER TABLE app.t ALTER COLUMN id TYPE bigint;",
                    V4__other="ALTER TABLE app.t ALTER COLUMN b TYPE bigint;",
                    V5__parts="ALTER TABLE app.parts ADD COLUMN IF NOT EXISTS n int;",
                    V6__drop="DROP TABLE IF EXISTS app.low;",
                    V7__cut=f"{allow}ALTER TABLE app.parts DETACH PARTITION app.low; DROP TABLE IF EXISTS app.low;",
                    V8__index="CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON app.parts (id);",
                    V9__plain="CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON app.plain (b);",
                    V10__keeps="DROP INDEX CONCURRENTLY IF EXISTS app.t_named;",
                    V11__drop="DROP INDEX CONCURRENTLY IF EXISTS app.plain_b;",
                    V12__key="ALTER TABLE app.t DROP CONSTRAINT IF EXISTS t_named CASCADE;",
                    V13__swap=f"{allow}ALTER TABLE app.t DROP CONSTRAINT IF EXISTS t_named CASCADE, ADD CONSTRAINT n PRIMARY KEY (id, a);",
                    V14__view="CREATE OR REPLACE VIEW app.w AS SELECT a FROM app.secured;",
                    V15__view="CREATE OR REPLACE VIEW app.w WITH (security_invoker) AS SELECT a FROM app.secured;",
                    V16__view="CREATE OR REPLACE VIEW app.w AS SELECT a FROM app.secured; ALTER VIEW app.w SET (security_invoker = true);",
                    V17__null=f"{allow}ALTER TABLE app.plain ADD CONSTRAINT k PRIMARY KEY USING INDEX plain_b;",
                    V18__solid=f"{allow}ALTER TABLE app.plain ADD CONSTRAINT k PRIMARY KEY USING INDEX plain_a;",
                    V19__part="CREATE TABLE IF NOT EXISTS app.mid PARTITION OF app.parts FOR VALUES FROM (10) TO (20);",
                    V20__day="CREATE UNIQUE INDEX IF NOT EXISTS k ON app.days (id);",
                    V21__whole=f"{allow}ALTER TABLE app.days ADD CONSTRAINT k PRIMARY KEY (day, id);",
                    V22__text=f"{allow}ALTER TABLE app.texts ADD CONSTRAINT k UNIQUE (id, t);",
                    V23__new="DROP TABLE IF EXISTS app.days; CREATE TABLE IF NOT EXISTS app.days (id int PRIMARY KEY); "
                             "CREATE UNIQUE INDEX IF NOT EXISTS k ON app.days (id);") as place:
        place.sql(there)
        found = place.migrate(plan=True)["result"]["findings"]
        wanted = {("V1", "column-type-used"): ("app.t.a", "drop the rule _RETURN on view app.v before"),
                  ("V3", "column-type-of-key"): ("app.t.id", "foreign key u_t_fkey of app.u refers to it"),
                  ("V5", "partitions-locked-too"): ("app.parts", "2 partition(s)"),
                  ("V6", "partition-drop"): ("app.low", "ALTER TABLE app.parts DETACH PARTITION app.low CONCURRENTLY"),
                  ("V8", "index-concurrent-on-partitioned"): ("i", "ON ONLY"),
                  ("V10", "index-drop-of-constraint"): ("app.t_named", "DROP CONSTRAINT t_named"),
                  ("V12", "primary-key-drop"): ("app.t.t_named", "app.t is published by told"),
                  ("V14", "view-bypasses-row-security"): ("app.w", "security_invoker"),
                  ("V17", "primary-key-reads-for-nulls"): ("app.plain.k", "VALIDATE CONSTRAINT"),
                  ("V20", "key-without-partition-key"): ("k", "put the columns of the partition key into it"),
                  ("V22", "key-without-partition-key"): ("app.texts.k", "by an expression"),
                  ("V19", "partition-create"): ("app.parts", "the default partition app.rest, which is locked out and read")}
        kinds = {kind for _, kind in wanted}
        told = {(f["evidence"]["file"].split("__")[0], f["kind"]): (f["object"], f["impact"]["safe_form"]) for f in found if f["kind"] in kinds}
        equal({k: v[0] for k, v in told.items()}, {k: v[0] for k, v in wanted.items()}, "which, and of what")
        for key, (_, part) in wanted.items():
            contains(told[key][1], part)
        for statement, says in ((retype, "used by a view or rule"), ("CREATE INDEX CONCURRENTLY i ON app.parts (id)", "on partitioned table"),
                                ("CREATE UNIQUE INDEX k ON app.days (id)", "must include all partitioning columns"),
                                ("ALTER TABLE app.texts ADD UNIQUE (id, t)", "unsupported UNIQUE constraint with partition key definition"),
                                ("DROP INDEX app.t_named", "constraint t_named on table app.t requires it")):
            contains(error_of(place, statement), says)
        judged = place.migrate(judge_only=["V1__type.sql", "V5__parts.sql"])
        equal(kinds & rules(judged), set(), "where no server is asked, none of it is known")


def a_new_type_is_compared_with_the_one_that_is_there(version):
    """A limit that is wider than what stands in the catalogue, or than what a file before makes, is no danger; a narrower one is
    one, as the server's rows say; and where the type before is not known, that is said."""
    with Migrations(version, V1__wider="ALTER TABLE app.t ALTER COLUMN a TYPE varchar(20);",
                    V2__narrower="ALTER TABLE app.t ALTER COLUMN a TYPE varchar(15);",
                    V3__other="ALTER TABLE app.t ALTER COLUMN b TYPE numeric(12, 2), ALTER COLUMN c TYPE timestamptz(3), ALTER d TYPE varchar(9)[], ALTER e TYPE bit(3);",
                    V4__less="ALTER TABLE app.t ALTER COLUMN b TYPE numeric(10, 1);",
                    V5__own="ALTER TABLE app.t ALTER COLUMN f TYPE varchar(10);",
                    V6__plain="ALTER TABLE bare ALTER COLUMN a TYPE smallint;",
                    V7__code="DO $$ BEGIN EXECUTE (SELECT s FROM app.s); END $$;",
                    V8__after="ALTER TABLE app.t ALTER COLUMN e TYPE bit(3);",
                    V9__made="-- lbops:allow not-idempotent because it is tried\nALTER TABLE app.t ADD COLUMN g varchar(5);",
                    V10__grown="ALTER TABLE app.t ALTER COLUMN g TYPE varchar(6);") as place:
        place.sql("CREATE SCHEMA app; CREATE TYPE app.mood AS ENUM ('good'); CREATE TABLE app.s (s text); CREATE TABLE bare (a int);"
                  "CREATE TABLE app.t (id int, a varchar(10), b numeric(10, 2), c timestamptz(0), d varchar(8)[], e bit(3), f app.mood);"
                  "INSERT INTO app.t VALUES (1, 'short', 1.25, now(), '{a}', B'101', 'good'); INSERT INTO bare VALUES (70000)")
        found = place.migrate(plan=True)["result"]["findings"]
        told = {(f["evidence"]["file"].split("__")[0], f["object"]): f["impact"]["safe_form"] for f in found if f["kind"] == "column-type-narrow"}
        known, unknown = "not every value of ", "what type the column has is not known here"
        wanted = {("V2", "app.t.a"): known + "varchar(20) fits into varchar(15)", ("V4", "app.t.b"): known + "numeric(12,2) fits into numeric(10,1)",
                  ("V5", "app.t.f"): unknown, ("V8", "app.t.e"): unknown, ("V6", "bare.a"): known + "int4 fits into int2"}
        equal({k: told[k][:len(wanted.get(k, ""))] for k in told}, wanted, f"{told}")
        before = place.sql("SELECT b || ' ' || c || ' ' || d::text || ' ' || e FROM app.t")
        place.sql("ALTER TABLE app.t ALTER COLUMN b TYPE numeric(12, 2), ALTER COLUMN c TYPE timestamptz(3), ALTER d TYPE varchar(9)[], ALTER e TYPE bit(3)")
        equal(place.sql("SELECT b || ' ' || c || ' ' || d::text || ' ' || e FROM app.t"), before, "what is not told of loses nothing")
        contains(error_of(place, "ALTER TABLE bare ALTER COLUMN a TYPE smallint"), "out of range")
        judged = place.migrate(judge_only=["V1__wider.sql"])["result"]["findings"]
        contains([f["impact"]["safe_form"] for f in judged if f["kind"] == "column-type-narrow"][0], unknown)


def what_the_server_need_not_read_is_known(version):
    """A type that only grows and a NOT NULL that a CHECK proves: told as the server does it, where nothing else has to be read."""
    there = ("CREATE SCHEMA app; CREATE TABLE app.t (id int, a varchar(10), b varchar(10) CHECK (b <> ''), c varchar(10), d text, e text, f text,"
             " CONSTRAINT d_there CHECK (d IS NOT NULL), CONSTRAINT e_some CHECK (e IS NOT NULL OR id > 0)); CREATE INDEX ON app.t (a);"
             "CREATE INDEX ON app.t (lower(c)); CREATE TABLE app.up (a varchar(10)); CREATE TABLE app.below () INHERITS (app.up);"
             "ALTER TABLE app.t ADD CONSTRAINT f_there CHECK (f IS NOT NULL) NOT VALID; INSERT INTO app.t SELECT n, 'a', 'b', 'c', 'd', 'e', 'f' FROM generate_series(1, 9) n;")
    grows = "ALTER TABLE app.{} ALTER COLUMN {} TYPE varchar(20);"
    needs = "ALTER TABLE app.t ALTER COLUMN {} SET NOT NULL;"
    done = {"t.a": grows.format("t", "a"), "t.b": grows.format("t", "b"), "t.c": grows.format("t", "c"), "up.a": grows.format("up", "a"),
            "t.d": needs.format("d"), "t.e": needs.format("e"), "t.f": needs.format("f")}
    spared = {"t.a", "t.d"}
    with Migrations(version) as place:
        place.sql(there)
        for column, text in done.items():
            place.put("V1__a", text)
            found = {f["kind"]: f for f in place.migrate(plan=True)["result"].get("findings", []) if f["object"] == f"app.{column}"}
            told = {"column-type", "set-not-null"} & set(found)
            equal([not told, "column-type-stays" in found], [column in spared, column == "t.a"], f"{column}: {sorted(found)}")
            says = error_of(place, f"SET client_min_messages TO debug1; {text} SELECT 1 / 0;")
            contains(says, "division by zero")
            reads = any(word in says for word in ("verifying table", "rewriting table", 'building index "t_lower'))
            equal(reads, column not in spared | {"up.a"}, f"{column}: {says}")
        place.put("V1__a", "COMMENT ON TABLE app.t IS 'x';")
        place.put("V2__b", done["t.a"])
        kinds = {f["kind"] for f in place.migrate(plan=True)["result"]["findings"]}
        equal({"column-type", "column-type-stays"} & kinds, {"column-type"}, "behind another file it is not known")
        place.put("V1__a", "ALTER TABLE app.t DROP CONSTRAINT IF EXISTS d_there;")
        place.put("V2__b", done["t.d"])
        kinds = {f["kind"] for f in place.migrate(plan=True)["result"]["findings"]}
        contains(kinds, "set-not-null")


def a_syntax_error_has_a_line_and_a_column(version):
    with Migrations(version, V1__orders=FIRST, V2__bad="SELECT 1;\n\n  CREATE TABEL app.x (id int);") as place:
        place.refused("V2__bad.sql, line 3, column 10: syntax-error")
        equal(place.exists("app.orders"), False, "the file before it was not applied either")
        place.put("V2__bad", "CREATE TABLE IF NOT EXISTS app.x (id bigint PRIMARY KEY);")
        equal(place.migrate()["result"]["applied"], 2, "once it is corrected, both are")


def a_failure_takes_its_transaction_back(version):
    with Migrations(version, V1__orders=FIRST,
                    V2__fails="ALTER TABLE app.orders ADD COLUMN IF NOT EXISTS a int;\n\n  SELECT 1/0;") as place:
        document = place.refused("V2__fails.sql: statement 2 (line 3, column 3): division by zero")
        equal(document["error"]["code"], "sql", "code")
        equal(document["result"]["migrations"][-1]["outcome"], "failed", "what became of it")
        equal(place.sql("SELECT count(*) FROM pg_attribute WHERE attrelid = 'app.orders'::regclass AND attname = 'a'"),
              "0", "its first statement")
        equal(place.ledger(), ["V1__orders.sql|done|2|2", "V2__fails.sql|failed|2|2"], "the ledger")
        place.put("V2__fails", "ALTER TABLE app.orders ADD COLUMN IF NOT EXISTS a int;")
        equal(place.migrate()["result"]["applied"], 1, "the corrected file")


def a_changed_file_is_refused_and_a_reworded_one_is_not(version):
    with Migrations(version, V1__orders=FIRST) as place:
        place.migrate()
        place.put("V1__orders", FIRST.replace("\n", "\r\n"))
        equal(place.migrate()["result"].get("skipped", []), [], "ends of lines are nothing to speak of")
        place.put("V1__orders", "-- a licence\r\n" + FIRST.replace("\n", "\r\n"))
        equal(place.migrate()["result"]["skipped"][0]["object"], "V1__orders.sql", "told")
        place.put("V1__orders", FIRST.replace("DEFAULT 0", "DEFAULT 1"))
        place.put("V2__more", "COMMENT ON TABLE app.orders IS 'more';")
        error = place.refused("V1__orders.sql is not what was applied", "write a new migration")["error"]
        equal([error["code"], place.sql("SELECT obj_description('app.orders'::regclass) IS NULL")], ["conflict", "t"],
              "nothing behind it is applied")
        place.put("V1__orders", FIRST)
        equal(place.migrate()["result"]["version"], "2", "with the text that was applied it goes on")


def order_and_absence_are_watched(version):
    with Migrations(version, V1__orders=FIRST, V3__c="COMMENT ON TABLE app.orders IS 'c';") as place:
        place.refused("no version between V1__orders.sql and V3__c.sql", gaps="refuse")
        place.put("V9__far", "COMMENT ON TABLE app.orders IS 'far';")
        told = place.migrate(plan=True)["result"]["skipped"]
        equal([s["object"] for s in told if "left out on purpose" in s["reason"]],
              ["no version between V1__orders.sql and V3__c.sql", "no version between V3__c.sql and V9__far.sql"], "told of")
        (place.files / "V9__far.sql").unlink()
        place.migrate()
        place.put("V2__b", "COMMENT ON TABLE app.orders IS 'b';")
        place.refused("V2__b.sql comes too late: version 3 has been applied")
        place.migrate(out_of_order=True)
        equal(place.sql("SELECT obj_description('app.orders'::regclass)"), "b", "applied late")
        (place.files / "V3__c.sql").unlink()
        place.refused("the database is ahead of the files: it has version 3 (V3__c.sql)")
        equal(place.migrate(allow_ahead=True)["status"], "ok", "allowed")
        place.put("V3__c", "COMMENT ON TABLE app.orders IS 'c';")
        (place.files / "V2__b.sql").unlink()
        place.refused("version 2 (V2__b.sql) has been applied, and its file is missing")
        place.put("V2__b", "COMMENT ON TABLE app.orders IS 'b';")
        place.put("V02__twice", "SELECT 1;")
        place.refused("have the same version")


def an_existing_database_gets_a_baseline(version):
    with Migrations(version, V1__orders="CREATE TABLE IF NOT EXISTS orders (never text);",
                    V2__more="COMMENT ON TABLE orders IS 'mine';") as place:
        place.sql("CREATE TABLE orders (id int)")
        done = place.migrate(baseline="1")
        equal([m["file"] for m in done["result"]["migrations"]], ["V2__more.sql"], "what was left to do")
        equal(place.migrate()["changes"], [], "without the word it is remembered")
        place.refused("no baseline at 2", baseline="2")
        # What was there before is nobody's here to take back.
        place.put("U1__orders", "DROP TABLE IF EXISTS orders;")
        place.put("U2__more", "COMMENT ON TABLE orders IS NULL;")
        equal(place.migrate(undo=True)["result"]["version"], "1", "what was applied is taken back")
        place.refused("version 1 is the baseline and was not applied here", undo=True)
        equal(place.exists("orders"), True, "and nothing below")


def what_was_there_already_is_told(version):
    """IF NOT EXISTS does nothing then, and the ledger has it as done: that it may be another one is a finding."""
    def told(document):
        return [(f["object"], f["evidence"]["file"], f["evidence"]["statement"]) for f in document["result"].get("findings", [])
                if f["kind"] == "was-there-already"]

    with Migrations(version, V1__orders=FIRST) as place:
        place.sql("CREATE SCHEMA app; CREATE TABLE app.orders (id int, note int); CREATE INDEX by_id ON app.orders (id)")
        equal(told(place.migrate(plan=True)), [], "a plan cannot know")
        first = place.migrate()
        equal([what[1:] for what in told(first)], [("V1__orders.sql", 2)], "a table of another shape, and not its schema")
        contains(json.dumps(first["result"]["findings"]), "already exists", "capture_schema_diff")
        place.put("V2__note", "ALTER TABLE app.orders ADD COLUMN IF NOT EXISTS note text, ADD COLUMN IF NOT EXISTS more int;\n"
                              "CREATE TABLE IF NOT EXISTS app.fresh (id bigint PRIMARY KEY);")
        place.put("V3__index", "CREATE INDEX CONCURRENTLY IF NOT EXISTS by_id ON app.orders (id);")
        equal(told(place.migrate()), [("app.orders", "V2__note.sql", 1)], "a column; an index that is the same is none")
        equal(place.migrate()["changes"], [], "nothing is left to do")
        # What a shape does not say: conditions, expressions, classes and collations of one that is built by itself.
        place.sql("ALTER TABLE app.orders ADD COLUMN kind text; CREATE INDEX part ON app.orders (id) WHERE note = 1; "
                  "CREATE INDEX twice ON app.orders ((id * 2)); CREATE INDEX likes ON app.orders (kind text_pattern_ops); "
                  "CREATE INDEX c ON app.orders (kind COLLATE \"C\")")
        for n, (name, on) in enumerate((("part", "(id) WHERE note = 2"), ("twice", "((id * 3))"), ("likes", "(kind varchar_pattern_ops)"),
                                        ("c", '(kind COLLATE "POSIX")')), 4):
            place.put(f"V{n}__built", f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {name} ON app.orders {on};")
            equal(told(place.migrate()), [("app.orders", f"V{n}__built.sql", 1)], name)
        for name, text in (("likes", "kind text_pattern_ops"), ("c", 'kind COLLATE "C"')):
            place.put("V8__plain", f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {name} ON app.orders (kind);")
            place.refused(f"app.{name}: there is an index of that name with another definition", f"({text})", "wanted is btree on orders (kind)")


def a_target_and_the_way_back(version):
    with Migrations(version, V1__orders=FIRST, V2__a="ALTER TABLE app.orders ADD COLUMN IF NOT EXISTS a int;",
                    U2__a="ALTER TABLE app.orders DROP COLUMN IF EXISTS a;") as place:
        column = "SELECT count(*) FROM pg_attribute WHERE attrelid = 'app.orders'::regclass AND attname = 'a'"
        equal(place.migrate(target_version="1")["result"]["version"], "1", "up to 1")
        place.migrate()
        equal(place.sql(column), "1", "up")
        equal(place.migrate(undo=True)["result"]["version"], "1", "version")
        equal(place.sql(column), "0", "down")
        place.migrate()
        equal(place.sql(column), "1", "up again")
        place.put("V3__b", "COMMENT ON TABLE app.orders IS 'b';")
        place.migrate()
        place.refused("there is no undo script for version 3", undo=True)


def wrong_input_is_answered(version):
    with Migrations(version) as place:
        place.run("apply_schema_migration", check=2)
        place.run("apply_schema_migration", check=1, dir="/nowhere/at/all")
        done = place.migrate()
        equal((done["result"]["examined"]["files"], done["changes"]), (0, []), "an empty directory")
        place.put("V1__begin", "BEGIN;\nCREATE TABLE IF NOT EXISTS t (id int);\nCOMMIT;")
        place.refused("transaction-control", "line 1, column 1")
        place.put("V1__begin", "COPY t FROM STDIN;")
        place.refused("copy-from-client")
        place.put("V1__begin", "-- lbops:allow no-such-rule because of me\nSELECT 1;")
        place.refused("no-such-rule")
        place.put("V1__begin", "CREATE TABLE IF NOT EXISTS public.\"Odd 'Name\" (id bigint PRIMARY KEY);")
        place.migrate()
        equal(place.sql("SELECT count(*) FROM pg_class WHERE relname = 'Odd ''Name'"), "1", "odd names")
        place.put("V2__later", "-- nothing yet\n")
        place.migrate()
        equal(place.migrate()["changes"], [], "an empty file is remembered")


def without_rights_the_server_says_no(version):
    with Migrations(version, V1__orders=FIRST) as place:
        role = f"poor_{place.database}"
        place.at_server(f"CREATE ROLE {role} LOGIN")
        try:
            document = place.migrate(check=1, env={"PGUSER": role, f"LBOPS_TEST_PG{version}": as_role(place.server, role)})
            equal(document["error"]["code"], "denied", str(document["error"]))
            contains(document["error"]["message"], "permission denied")
        finally:
            place.at_server(f"DROP ROLE {role}")


def as_role(url, role):
    """The harness' URL for another role: its servers trust whoever is on the machine."""
    scheme, rest = url.split("//", 1)
    host = rest.split("@", 1)[-1]
    return f"{scheme}//{role}@{host}"


def a_branch_is_migrated_and_its_parent_is_not(version):
    with Local(version) as place:
        files = place.dir / "files"
        files.mkdir()
        (files / "V1__orders.sql").write_text(FIRST)
        there = "SELECT to_regclass('app.orders') IS NOT NULL"
        equal(place.sql(there), "f", "before")
        place.cli("target", "create", "dev-1", "--ttl", "1h", check=0)
        done = place.run("apply_schema_migration", branch="dev-1", dir="files")
        equal((done["target"]["branch"], done["result"]["applied"]), ("dev-1", 1), "where it was applied")
        equal((place.sql(there, branch="dev-1"), place.sql(there)), ("t", "f"), "the branch and its parent")


def what_has_moved_since_it_was_tried_is_refused():
    """On one server: what it compares are definitions, which other suites read on all of them."""
    with Local(VERSIONS[-1], targets=(("production", "throwaway"), ("*", "throwaway"))) as place:
        files, tried = place.dir / "files", place.dir / "tried here.json"
        files.mkdir()

        def migrate(check=0, branch="production", **more):
            return place.run("apply_schema_migration", branch=branch, check=check, dir="files", **more)

        def told(branch):
            rows = migrate(branch=branch, plan=True, tell_base=True)["result"].get("tried", [])
            tried.write_text(json.dumps(rows))
            return [r["file"] for r in rows]

        (files / "V1__orders.sql").write_text(FIRST + "CREATE TABLE IF NOT EXISTS app.other (id bigint PRIMARY KEY);")
        place.cli("target", "create", "dev-0", "--ttl", "1h", check=0)
        migrate(branch="dev-0")
        equal(told("dev-0"), ["V1__orders.sql"], "what was tried on a branch of an empty database")
        place.sql("CREATE SCHEMA app; CREATE TABLE app.other (id int)")
        contains(migrate(check=1, tried=tried)["error"]["message"], "V1__orders.sql touches the schema app")
        equal(place.sql("SELECT to_regnamespace('lbops_migration') IS NULL"), "t", "what is refused at once leaves no ledger either")
        place.sql("DROP SCHEMA app CASCADE")
        migrate()
        place.cli("target", "create", "dev-1", "--ttl", "1h", check=0)
        equal(told("dev-1"), [], "what came along from its source was not applied there")
        (files / "V2__note.sql").write_text("ALTER TABLE app.orders ADD COLUMN IF NOT EXISTS note text;")
        (files / "V3__more.sql").write_text("CREATE TABLE IF NOT EXISTS app.more (id bigint PRIMARY KEY);\n"
                                            "COMMENT ON COLUMN app.orders.note IS 'said';")
        migrate(branch="dev-1")
        equal(told("dev-1"), ["V2__note.sql", "V3__more.sql"], "what was tried")
        place.sql("ALTER TABLE app.other ADD x int; CREATE VIEW app.totals AS SELECT sum(total) AS total FROM app.orders")
        moved = migrate(check=1, tried=tried)["error"]
        equal(moved["code"], "conflict", "code")
        contains(moved["message"], "V2__note.sql touches the relation app.orders", "not here as it was")
        contains(moved["hint"], "test_migration_on_branch", "--tried")
        equal(place.sql("SELECT to_regclass('app.more') IS NULL AND NOT EXISTS (SELECT FROM pg_attribute WHERE attname = 'note' "
                        "AND attrelid = 'app.orders'::regclass)"), "t", "nothing was applied")
        place.sql("DROP VIEW app.totals")
        (files / "V1_5__late.sql").write_text("COMMENT ON TABLE app.orders IS 'nobody has tried the two together';")
        contains(migrate(check=1, tried=tried, out_of_order=True)["error"]["message"], "V2__note.sql touches the relation app.orders")
        (files / "V1_5__late.sql").unlink()
        place.sql("CREATE TABLE app.more (id bigint PRIMARY KEY, extra text)")
        contains(migrate(check=1, tried=tried)["error"]["message"], "V3__more.sql touches the relation app.more")
        place.sql("DROP TABLE app.more")
        first = migrate(tried=tried, target_version="2")
        equal([first["result"]["applied"], "replayed-differently" in rules(first)], [1, False], "the rest of what was tried is to come")
        done = migrate(tried=tried)
        equal([done["result"]["applied"], "replayed-differently" in rules(done)], [1, False], "elsewhere it may have moved")
        equal(migrate(tried=tried)["changes"], [], "the second run")
        (files / "U3__more.sql").write_text("COMMENT ON COLUMN app.orders.note IS NULL;\nDROP TABLE IF EXISTS app.more;")
        (files / "U2__note.sql").write_text("ALTER TABLE app.orders DROP COLUMN IF EXISTS note;")
        for _ in range(2):
            migrate(undo=True)
        first = migrate(tried=tried, target_version="2")
        equal([first["result"]["applied"], rules(first) & {"replayed-differently"}], [1, set()], "what was taken back here is to come again")
        done = migrate(tried=tried)
        equal([done["result"]["applied"], "replayed-differently" in rules(done)], [1, False], "and comes")
        (files / "V4__by_rows.sql").write_text(
            "COMMENT ON TABLE app.orders IS 'by its rows';\nDO $$ BEGIN IF EXISTS (SELECT FROM app.other) THEN "
            "ALTER TABLE app.orders ADD COLUMN IF NOT EXISTS extra int; END IF; END $$;")
        place.cli("target", "create", "dev-2", "--ttl", "1h", check=0)
        migrate(branch="dev-2")
        equal(told("dev-2"), ["V4__by_rows.sql"], "what was tried on the second one")
        place.sql("INSERT INTO app.other (id) VALUES (1)")
        other = [f for f in migrate(tried=tried)["result"]["findings"] if f["kind"] == "replayed-differently"]
        equal([(f["object"], f["evidence"]["file"]) for f in other], [("relation app.orders", "V4__by_rows.sql")], "rows decided")
        tried.write_text("{}")
        contains(migrate(check=1, tried=tried)["error"]["message"], "is no list of tried migrations")


def what_is_in_the_way_is_told_of_before(version):
    """What runs CONCURRENTLY has no limit to its waiting: who makes it wait is told, and not only once it has waited."""
    def told(document):
        return [(f["object"], f["evidence"]["file"], f["evidence"]["statement"], f["evidence"]["what"])
                for f in document["result"]["findings"] if f["kind"] == "in-the-way"]

    def holds_open(statements):
        holder = place.session()
        holder.stdin.write(f"SET application_name = 'holder'; BEGIN; {statements}; SELECT pg_backend_pid();\n")
        holder.stdin.flush()
        return holder, f"session {holder.stdout.readline().strip()} (holder)"

    with Migrations(version, V1__orders=FIRST) as place:
        place.migrate()
        place.put("V2__index", "CREATE INDEX CONCURRENTLY IF NOT EXISTS orders_total ON app.orders (total);")
        place.put("V3__check", "ALTER TABLE app.orders DROP CONSTRAINT IF EXISTS positive;\n"
                               "ALTER TABLE app.orders ADD CONSTRAINT positive CHECK (total >= 0) NOT VALID;")
        place.put("V4__check", "ALTER TABLE app.orders VALIDATE CONSTRAINT positive;")
        equal(told(place.migrate(plan=True)), [], "nothing is in the way")
        holder, who = holds_open("LOCK TABLE app.orders IN SHARE UPDATE EXCLUSIVE MODE")
        equal(sorted(told(place.migrate(plan=True))),
              [(who, "V2__index.sql", 1, "change of the table"), (who, "V2__index.sql", 1, "idle in transaction"),
               (who, "V4__check.sql", 1, "change of the table")], "who changes the table")
        holder.communicate("ROLLBACK;\n")
        gid = place.sql("SELECT 'left in ' || current_database()")
        place.sql(f"BEGIN; INSERT INTO app.orders VALUES (1); PREPARE TRANSACTION '{gid}'")
        try:
            equal(told(place.migrate(plan=True)), [(gid, "V2__index.sql", 1, "prepared transaction")], "what nobody is at")
        finally:
            place.sql(f"ROLLBACK PREPARED '{gid}'")
        holder, who = holds_open("LOCK TABLE app.orders IN ROW EXCLUSIVE MODE")
        running = place.start()
        place.until("SELECT count(*) > 0 FROM pg_stat_progress_create_index WHERE datname = current_database() "
                    "AND phase ~ 'waiting'")
        holder.communicate("ROLLBACK;\n")
        equal(told(json.loads(running.communicate()[0])), [(who, "V2__index.sql", 1, "idle in transaction")],
              "who has only written to it, which validation does not wait for")
        equal(place.sql("SELECT indisvalid FROM pg_index WHERE indexrelid = 'app.orders_total'::regclass"), "t", "it was built")


def a_lock_that_is_lost_is_an_error(version):
    free = "SELECT pg_advisory_unlock_all();"
    with Migrations(version, V1__orders=FIRST, V2__free=free, V3__more="COMMENT ON TABLE app.orders IS 'more';") as place:
        error = place.refused("the lock that keeps other runners out was lost", "does not hold it any more", "a pooler")["error"]
        equal(error["code"], "conflict", "code")
        equal(place.ledger()[1:], ["V2__free.sql|done|1|1", "V3__more.sql|failed|1|1"], "nothing is done without it")
        equal(place.migrate()["result"]["applied"], 1, "the next run goes on there")
        place.put("V4__free", free)
        place.refused("the lock that keeps other runners out was lost")
        equal(place.ledger()[-1], "V4__free.sql|done|1|1", "it is seen at the very end, too")
        equal(place.migrate()["changes"], [], "nothing is left to do")


def what_should_be_done_at_once_may_not_take_long(version):
    column = "ALTER TABLE app.orders ADD COLUMN IF NOT EXISTS note text;"
    with Migrations(version, V1__orders=FIRST) as place:
        place.migrate()
        place.sql("CREATE TABLE app.seen (script text, most text, idle text);"
                  "CREATE FUNCTION app.see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO app.seen SELECT NEW.script, "
                  "current_setting('statement_timeout'), current_setting('idle_in_transaction_session_timeout'); RETURN NEW; END $$;"
                  "CREATE TRIGGER see BEFORE INSERT ON lbops_migration.ledger FOR EACH ROW WHEN (NEW.state = 'done') "
                  "EXECUTE FUNCTION app.see();"
                  "CREATE FUNCTION app.slow() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(600); END';"
                  "CREATE EVENT TRIGGER slow ON ddl_command_start WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION app.slow()")
        place.put("V2__note", column)
        error = place.refused("statement timeout", "instant_timeout_s", instant_timeout_s=1)["error"]
        equal([error["code"], error["sqlstate"]], ["timeout", "57014"], "code")
        equal(place.ledger()[-1], "V2__note.sql|failed|1|1", "it is noted")
        equal(place.sql("SELECT count(*) FROM app.seen"), "0", "nothing is half done")
        place.sql("DROP EVENT TRIGGER slow")
        place.put("V3__rows", "INSERT INTO app.orders (id) VALUES (1) ON CONFLICT DO NOTHING;")
        place.put("V4__both", column.replace("note", "other") + "\nCOMMENT ON TABLE app.orders IS 'both';")
        equal(place.migrate()["result"]["applied"], 3, "and can be done again")
        seen = [row.split("|") for row in place.sql("SELECT * FROM app.seen").splitlines()]
        equal([(name, most == "60500ms", idle) for name, most, idle in seen],
              [("V2__note.sql", True, "10s"), ("V3__rows.sql", False, "10s"), ("V4__both.sql", False, "10s")], "the limits")
        place.put("V5__more", column.replace("note", "more"))
        done = place.migrate(instant_timeout_s=0)
        equal([c["statement"] for c in done["changes"] if "SET LOCAL statement_timeout" in c["statement"]], [], "without one")


def the_course_of_each_part_is_told(version):
    def told(document):
        return [(p["file"], p["first"], p["last"], p["alone"], p["failed"], p["sqlstate"]) for p in document["result"]["parts"]]

    build = "CREATE INDEX CONCURRENTLY IF NOT EXISTS orders_total ON app.orders (total);"
    with Migrations(version, V1__orders=FIRST, V2__index="COMMENT ON TABLE app.orders IS 'before';\n" + build) as place:
        holds("parts" not in place.migrate(plan=True)["result"], "a plan has none")
        done = place.migrate()
        equal(told(done), [("V1__orders.sql", 1, 2, False, False, None), ("V2__index.sql", 1, 1, False, False, None),
                           ("V2__index.sql", 2, 2, True, False, None)], "each part")
        equal(done["result"]["server_version"], version, "where")
        parts = done["result"]["parts"]
        equal([p["meaning"] for p in parts],
              place.sql("SELECT meaning FROM lbops_migration.ledger WHERE state = 'done' ORDER BY id").splitlines(), "of what")
        times = [t for p in parts for t in (p["began_at"], p["ended_at"])]
        equal(times, sorted(times), "one after the other")
        place.put("V3__column", "ALTER TABLE app.orders ADD COLUMN IF NOT EXISTS a int;")
        holder = place.session()
        holder.stdin.write("BEGIN; LOCK TABLE app.orders IN ACCESS SHARE MODE; SELECT 1;\n")
        holder.stdin.flush()
        holder.stdout.readline()
        failed = place.refused("lock timeout", lock_timeout_ms=50, lock_tries=3)
        equal(told(failed), [("V3__column.sql", 1, 1, False, True, "55P03")], "what failed")
        part = failed["result"]["parts"][0]
        equal([part["tries_in_vain"], part["waited_in_vain_ms"] >= 150], [3, True], "how long it was tried for")
        holder.communicate("COMMIT;\n")
        place.put("V3__column", "SELECT 1/0;")
        equal(told(place.refused("division by zero")), [("V3__column.sql", 1, 1, False, True, "22012")], "and why")
        rows = sorted((r for r in place.waiting("migration_history") if "statement" not in r), key=lambda r: r["started_at"])
        equal([(r["file"], r["first_statement"], r["last_statement"], r["outcome"], r["tries_in_vain"], r.get("sqlstate"))
               for r in rows],
              [("V1__orders.sql", 1, 2, "applied", 0, None), ("V2__index.sql", 1, 1, "applied", 0, None),
               ("V2__index.sql", 2, 2, "applied", 0, None), ("V3__column.sql", 1, 1, "failed", 3, "55P03"),
               ("V3__column.sql", 1, 1, "failed", 0, "22012")], "history, what failed too")
        equal([(r["meaning"], r["ended_at"] >= r["started_at"], r["version"], r["kind"], r["by_approval"], r["server_version"])
               for r in rows[:3]],
              [(p["meaning"], True, v, "versioned", False, version) for p, v in zip(parts, ("1", "2", "2"))], "of what")
        contains(rows[4]["error"], "division by zero")
        equal(len({r["checksum"] for r in rows}), 4, "each text")


def each_statement_is_history(version):
    def seen(place, name):
        rows = [r for r in place.waiting("migration_history") if r["file"] == f"{name}.sql" and "statement" in r]
        return sorted(rows, key=lambda r: (r["started_at"], r["statement"]))

    def course(rows):
        return [(r["statement"], r["outcome"], r.get("rows_affected"), r["notices"], r.get("sqlstate")) for r in rows]

    fill = "INSERT INTO app.orders SELECT n FROM generate_series(1, 200000) n ON CONFLICT DO NOTHING"
    doze = "DO $$ BEGIN RAISE NOTICE 'one'; RAISE WARNING 'two'; PERFORM pg_sleep(0.3); END $$"
    build = "CREATE INDEX CONCURRENTLY IF NOT EXISTS orders_total ON app.orders (total)"
    with Migrations(version, V1__orders=FIRST, V2__work=f"{fill};\n{doze};\n{build};") as place:
        done = place.migrate()
        rows = seen(place, "V2__work")
        equal(course(rows), [(1, "applied", 200000, 0, None), (2, "applied", None, 2, None), (3, "applied", None, 0, None)],
              "what each one did")
        equal([(r["first_statement"], r["last_statement"], r["alone"], r["by_approval"]) for r in rows],
              [(1, 1, False, False), (2, 2, False, False), (3, 3, True, False)], "where it stands")
        equal([r["digest"] for r in rows], [hashlib.sha256(s.encode()).hexdigest() for s in (fill, doze, build)], "of what")
        holds(rows[1]["duration_ms"] >= 300, "how long it took")
        # WAL is the server's: others, who write beside us, are in it for as long as a statement takes.
        holds(rows[0]["wal_bytes"] > 10000000 and rows[0]["wal_bytes"] > rows[1]["wal_bytes"] >= 0, f"what was written: {rows}")
        holds(rows[2]["wal_bytes"] > 0, "outside of a transaction too")
        equal(place.history("SELECT file, statement FROM migration_history WHERE statement IS NOT NULL "
                            "ORDER BY wal_bytes DESC NULLS LAST LIMIT 1")["rows"],
              [["V2__work.sql", 1]], "which one wrote most")
        equal([c["statement"] for c in done["changes"] if "pg_current_wal" in c["statement"]], [], "a look is no change")
        place.put("V3__fails", "UPDATE app.orders SET total = 1 WHERE id <= 7;\nSELECT 1/0;\nSELECT 2;")
        place.refused("division by zero")
        equal(course(seen(place, "V3__fails")), [(1, "taken back", 7, 0, None), (2, "failed", None, 0, "22012")], "how it ended")
        holds("wal_bytes" not in seen(place, "V3__fails")[1], "nobody can be asked then")
        place.put("V3__fails", "SELECT 1;\n" * 51)
        place.migrate()
        rows = [r for r in seen(place, "V3__fails") if r["outcome"] == "applied"]
        equal([len(rows), [r for r in rows if "wal_bytes" in r]], [51, []], "of many nobody asks each time")
        place.sql("REVOKE EXECUTE ON FUNCTION pg_current_wal_insert_lsn() FROM PUBLIC")
        place.put("V4__silent", "SELECT 1;")
        place.migrate()
        rows = seen(place, "V4__silent")
        equal([course(rows), "wal_bytes" in rows[0]], [[(1, "applied", 1, 0, None)], False], "where the server does not say")


def what_follows_a_table_that_was_there_is_judged_as_in_use(version):
    """CREATE TABLE IF NOT EXISTS makes none then: an index behind it keeps people out who write to that table."""
    text = "CREATE TABLE IF NOT EXISTS app.{0} (id bigint PRIMARY KEY, n int);\nCREATE INDEX IF NOT EXISTS {0}_n ON app.{0} (n);"

    def told(document):
        return [f["evidence"]["file"] for f in document["result"].get("findings", []) if f["kind"] == "index-not-concurrent"]

    with Migrations(version, V1__old=text.format("old"), V2__fresh=text.format("fresh")) as place:
        place.sql("CREATE SCHEMA app; CREATE TABLE app.old (id bigint PRIMARY KEY, n int)")
        equal(told(place.migrate(plan=True)), ["V1__old.sql"], "a plan says so")
        equal(told(place.migrate()), ["V1__old.sql"], "and so does what applies it")
        equal([place.exists(f"app.{name}_n") for name in ("old", "fresh")], [True, True], "it is a hazard, and no refusal")


suite(*each_version(applies_each_file_once, other_layouts_are_read, flyways_folders_are_read, placeholders_are_refused, a_plan_changes_nothing,
                    what_a_second_run_would_break_is_refused_with_its_rewrite, advice_is_what_this_server_takes, advice_on_indexes_is_what_this_server_takes, what_the_catalogue_alone_knows_is_told, a_new_type_is_compared_with_the_one_that_is_there, what_the_server_need_not_read_is_known, a_syntax_error_has_a_line_and_a_column,
                    a_failure_takes_its_transaction_back, a_changed_file_is_refused_and_a_reworded_one_is_not,
                    order_and_absence_are_watched, an_existing_database_gets_a_baseline, what_was_there_already_is_told,
                    what_follows_a_table_that_was_there_is_judged_as_in_use,
                    a_target_and_the_way_back,
                    wrong_input_is_answered, without_rights_the_server_says_no,
                    a_branch_is_migrated_and_its_parent_is_not, what_is_in_the_way_is_told_of_before,
                    a_lock_that_is_lost_is_an_error, what_should_be_done_at_once_may_not_take_long,
                    the_course_of_each_part_is_told, each_statement_is_history),
      what_has_moved_since_it_was_tried_is_refused)
