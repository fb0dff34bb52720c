"""test_migration_on_branch where no undo script is there: the one that is made from the catalogue, tried and graded."""

from place import VERSIONS, contains, equal, holds, suite
from rehearsing import BRANCH, Trying, on

ALLOW = "-- lbops:allow not-idempotent because it is tried\n"


def generated(result):
    return result["rehearsal"]["rollback"]["generated"]


def a_way_back_is_made_and_proven(version):
    """Up, down by the script from the catalogue, up again; then the script is taken for the author's own."""
    with Trying(version) as place:
        place.sql("CREATE VIEW app.big AS SELECT id FROM app.orders WHERE total > 10; COMMENT ON VIEW app.big IS 'kept';"
                  "CREATE INDEX by_total ON app.orders (total)")
        place.files("files", **{
            "V1__columns.sql": "ALTER TABLE app.orders ADD COLUMN IF NOT EXISTS note text DEFAULT 'x';\n"
                               "CREATE OR REPLACE FUNCTION app.slowly(n int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT n';",
            "V2__gone.sql": "DROP VIEW IF EXISTS app.big;\nDROP INDEX IF EXISTS app.by_total;\n"
                            "CREATE TABLE IF NOT EXISTS app.items (id bigint PRIMARY KEY REFERENCES app.orders);"})
        script = place.dir / "files" / "U2__columns.sql"
        done = place.try_out(undo_file=str(script))["result"]
        way = generated(done)
        equal([way["outcome"], way["grade"], way["says"], way["by_hand"]], ["exact", "green", None, None], "proven")
        equal([done["verdict"], done["rehearsal"]["rollback"]["outcome"]], ["passed", "not possible"], "the author gave none")
        for part in ("DROP TABLE app.items", "DROP COLUMN note", "CREATE VIEW app.big", "by_total", "pg_sleep", "'kept'"):
            contains(way["script"], part)
        equal(script.read_text(), way["script"], "the file")
        contains(done["markdown"], "### A way back from the catalogue: exact (green)")
        state = "SELECT to_regclass('app.items') IS NOT NULL, to_regclass('app.big') IS NULL, count(*) FROM app.orders"
        equal(place.sql(state, branch=BRANCH), "t|t|30", "it is up again")
        equal(place.sql("SELECT string_agg(script, ' ' ORDER BY id) FROM lbops_migration.ledger WHERE state = 'done'", branch=BRANCH),
              "V1__columns.sql V2__gone.sql", "the ledger knows of one run")
        equal({o["outcome"] for o in done["rehearsal"]["second_run"]}, {"idempotent"}, "and is run twice as ever")

        place.files("one", **{"V1__all.sql": "".join(p.read_text() for p in sorted((place.dir / "files").glob("V*.sql"))).replace(
            "'SELECT n';", "'SELECT n';\n"), "U1__all.sql": way["script"]})
        told = place.try_out("one", branch_name="perf-one", rollback="require")["result"]["rehearsal"]["rollback"]
        equal([told["outcome"], told["grade"], told["generated"]], ["exact", "green", None], "as a script of the author's")


def what_cannot_come_back_is_graded(version):
    """Rows that are gone are gone: the schema comes back, and the grade says what does not."""
    with Trying(version) as place:
        place.sql("ALTER TABLE app.orders ADD COLUMN note text; UPDATE app.orders SET note = 'mine' WHERE id < 4;"
                  "ALTER TABLE app.orders ADD COLUMN kind text NOT NULL DEFAULT 'a'; UPDATE app.orders SET kind = 'b' WHERE id = 1")
        cases = {"lost": ("ALTER TABLE app.orders DROP COLUMN IF EXISTS note;", "loses rows", "red", [("note", True)]),
                 "changed": ("ALTER TABLE app.orders DROP COLUMN IF EXISTS kind;", "changes rows", "yellow", [("kind", False)]),
                 "rows": ("DELETE FROM app.orders WHERE id <= 3;", "loses rows", "red", [(None, True)])}
        for name, (sql, outcome, grade, columns) in cases.items():
            place.files(name, **{"V1__it.sql": sql})
            done = place.try_out(name, branch_name="perf-lost", delete_after=True)["result"]
            way = generated(done)
            equal([way["outcome"], way["grade"], done["verdict"]], [outcome, grade, "passed"], f"{name}: {way}")
            equal([(n["column"], n["lost"]) for n in done["rehearsal"]["not_back"]], columns, f"{name}: what does not come back")
            equal(bool(way["script"]), name != "rows", f"{name}: a script only where the schema has changed")
        contains(done["markdown"], "there is nothing that a script could bring back")
        failed = place.try_out("lost", branch_name="perf-lost", delete_after=True, check=1, rollback="require")
        contains(failed["error"]["message"], "there is no undo script for version 1")
        equal(generated(failed["result"])["grade"], "red", "asked for one, and told what it could be")
        equal(generated(place.try_out("lost", branch_name="perf-lost", delete_after=True, rollback="skip")["result"]), None, "not asked for")

        place.files("half", **{"V1__a.sql": "ALTER TABLE app.orders ADD COLUMN IF NOT EXISTS a int;",
                               "V2__b.sql": "ALTER TABLE app.orders ADD COLUMN IF NOT EXISTS b int;",
                               "U2__b.sql": "ALTER TABLE app.orders DROP COLUMN IF EXISTS b;"})
        way = generated(place.try_out("half", branch_name="perf-half")["result"])
        equal([way["grade"], "DROP COLUMN a" in way["script"], "DROP COLUMN b" in way["script"]], ["green", True, True], "all of it")
        equal(place.sql("SELECT count(*) FROM pg_attribute WHERE attrelid = 'app.orders'::regclass AND attname IN ('a', 'b') "
                        "AND NOT attisdropped", branch="perf-half"), "2", "up again")


def another_way_back_is_advised_that_can_be_gone(version):
    """The command of the report, word by word, on a staging branch."""
    with Trying(version, source="staging") as place:
        place.files("files", **{"V1__it.sql": "DELETE FROM app.orders WHERE id <= 3;"})
        done = place.try_out(delete_after=True)["result"]
        advised = done["rehearsal"]["rollback"]["other_way"]
        words = advised[advised.index("lbops run create_branch"):].split()
        contains(done["markdown"], f"Instead of it {advised}")
        place.cli(*words[1:], check=0)
        name = words[words.index("--branch_name") + 1]
        equal(place.branches()[name]["source"], "staging", "made from what is migrated")
        place.sql("DELETE FROM app.orders", branch="staging")
        equal(place.sql("SELECT count(*) FROM app.orders", branch=name), "30", "it holds what was there")


def a_script_that_takes_too_much_differs(version):
    """Also where what it takes was there before and after: the same model is compared more than once."""
    with Trying(version) as place:
        place.files("much", **{"V1__a.sql": "ALTER TABLE app.orders ADD COLUMN IF NOT EXISTS a int;",
                               "U1__a.sql": "ALTER TABLE app.orders DROP COLUMN IF EXISTS a;\n"
                                            "DROP FUNCTION IF EXISTS app.slowly(int);"})
        failed = place.try_out("much", check=1)
        told = failed["result"]["rehearsal"]["rollback"]
        equal(told["outcome"], "differs", "the function is gone")
        contains(told["says"], "app.slowly")
        holds("app.orders" not in told["says"], f"and nothing else: {told['says']}")


suite(*[on(v, check) for check in (a_way_back_is_made_and_proven, what_cannot_come_back_is_graded) for v in VERSIONS],
      *[on(v, check) for check in (a_script_that_takes_too_much_differs, another_way_back_is_advised_that_can_be_gone) for v in VERSIONS[-1:]], at_once=3)
