"""apply_schema_migration: what it applies, in which order, and what it refuses. The database is looked at afterwards."""

from migrating import FIRST, Migrations, rules
from place import Local, contains, each_version, equal, holds, suite


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


def a_syntax_error_has_a_line_and_a_column(version):
    with Migrations(version, V1__orders=FIRST, V2__bad="SELECT 1;\n\n  CREATE TABEL app.x (id int);") as place:
        place.refused("V2__bad.sql, line 3, column 10: syntax-error")
        equal(place.exists("app.orders"), False, "the file before it was not applied either")


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
        place.put("V1__orders", "-- a licence\r\n" + FIRST.replace("\n", "\r\n"))
        equal(place.migrate()["result"]["skipped"][0]["object"], "V1__orders.sql", "told")
        place.put("V1__orders", FIRST.replace("DEFAULT 0", "DEFAULT 1"))
        place.refused("V1__orders.sql is not what was applied", "write a new migration")


def order_and_absence_are_watched(version):
    with Migrations(version, V1__orders=FIRST, V3__c="COMMENT ON TABLE app.orders IS 'c';") as place:
        place.refused("no version between V1__orders.sql and V3__c.sql", gaps="refuse")
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


suite(*each_version(applies_each_file_once, other_layouts_are_read, a_plan_changes_nothing,
                    what_a_second_run_would_break_is_refused_with_its_rewrite, a_syntax_error_has_a_line_and_a_column,
                    a_failure_takes_its_transaction_back, a_changed_file_is_refused_and_a_reworded_one_is_not,
                    order_and_absence_are_watched, an_existing_database_gets_a_baseline, a_target_and_the_way_back,
                    wrong_input_is_answered, without_rights_the_server_says_no,
                    a_branch_is_migrated_and_its_parent_is_not))
