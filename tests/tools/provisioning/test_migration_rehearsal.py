"""test_migration_on_branch: a migration on a branch of staging, with people at work on it. What it says is held against
what the branch looks like afterwards.

How long an index takes is up to the test, not to the machine: its expression sleeps for each row."""

from place import VERSIONS, Local, contains, equal, holds, suite

TOOL = "test_migration_on_branch"
BRANCH = "perf-try"
SETUP = """
CREATE SCHEMA app;
CREATE TABLE app.orders (id int PRIMARY KEY, total int NOT NULL DEFAULT 0);
INSERT INTO app.orders SELECT i, i FROM generate_series(1, 30) i;
CREATE FUNCTION app.slowly(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql
AS $$ BEGIN PERFORM pg_sleep(0.02); RETURN n; END $$;
"""
WORK = "\\set id random(1, 30)\nUPDATE app.orders SET total = total WHERE id = :id;\nSELECT count(*) FROM app.orders;\n"
UNSAFE = {"V1__index.sql": "CREATE INDEX IF NOT EXISTS orders_slowly ON app.orders (app.slowly(id));",
          "U1__index.sql": "DROP INDEX IF EXISTS app.orders_slowly;"}
SAFE = {"V1__index.sql": "CREATE INDEX CONCURRENTLY IF NOT EXISTS orders_slowly ON app.orders (app.slowly(id));",
        "U1__index.sql": "DROP INDEX CONCURRENTLY IF EXISTS app.orders_slowly;"}
VERSION = VERSIONS[-1] if VERSIONS else 0


class Trying(Local):
    """A project with a table on one of its branches, and directories of migrations."""

    def __init__(self, version=VERSION, kind="throwaway", source="production"):
        super().__init__(version, targets=(("production", "production"), ("staging", "shared"), ("*", kind)))
        self.source = source
        if source != "production":
            self.run("create_branch", branch="", branch_name=source)
        self.sql(SETUP, branch=source)
        self.put("work.sql", WORK)

    def put(self, name, text):
        path = self.dir / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return str(path)

    def files(self, name, **files):
        for file, text in files.items():
            self.put(f"{name}/{file}", text)
        return str(self.dir / name)

    def try_out(self, name="files", check=0, branch_name=BRANCH, **more):
        where = {} if self.source == "staging" else {"source_branch": self.source}
        return self.run(TOOL, branch="", check=check, dir=str(self.dir / name), branch_name=branch_name,
                        **{**where, **more})


def lock_of(rehearsal, relation, mode):
    return [l for l in rehearsal.get("locks", []) if (l["relation"], l["mode"]) == (relation, mode)]


def the_unsafe_way_and_the_safe_way_differ():
    """The same index, built in both ways, while four sessions write to its table."""
    with Trying(source="staging") as place:
        work = str(place.dir / "work.sql")
        place.files("unsafe", **UNSAFE)
        place.files("safe", **SAFE)
        unsafe = place.try_out("unsafe", branch_name="perf-unsafe", replay=work)["result"]
        safe = place.try_out("safe", branch_name="perf-safe", replay=work)["result"]

        told = unsafe["rehearsal"]
        lock = lock_of(told, "app.orders", "ShareLock")
        equal(len(lock), 1, f"the lock of CREATE INDEX in {told.get('locks')}")
        holds(lock[0]["held_ms_at_most"] >= lock[0]["held_ms_at_least"] > 0, f"its duration: {lock}")
        holds(lock[0]["held_ms_at_most"] > 500, f"30 rows at 20 ms each: {lock}")
        holds(lock[0]["blocked_sessions"] >= 1 and lock[0]["longest_wait_ms"] > 0, f"who waited: {lock}")
        waits = [b for b in told["blocked"] if b["relation"] == "app.orders" and b["mode"] == "RowExclusiveLock"]
        holds(waits and waits[0]["application"] == "pgbench" and "UPDATE app.orders" in waits[0]["query"], f"{waits}")
        equal({p["outcome"] for p in told["predictions"] if p["rule"] == "index-not-concurrent"}, {"confirmed"}, "foretold")
        held = [h for t in told["transactions"] for h in t["held"]]
        holds({"relation": "app.orders", "mode": "ShareLock"} in held, f"the transaction's own list: {held}")
        contains(unsafe["markdown"], "| `app.orders` | ShareLock |")

        told = safe["rehearsal"]
        equal(lock_of(told, "app.orders", "ShareLock"), [], "no lock that stops writes")
        lock = lock_of(told, "app.orders", "ShareUpdateExclusiveLock")
        equal(len(lock), 1, f"the lock of CONCURRENTLY in {told.get('locks')}")
        holds(lock[0]["held_ms_at_most"] > 500, f"its duration: {lock}")
        equal(lock[0]["blocked_sessions"], 0, "nobody waited for it")
        equal([b for b in told.get("blocked", []) if b["relation"] == "app.orders"], [], "nobody waited for the table")
        for result in (unsafe, safe):
            told = result["rehearsal"]
            equal([result["verdict"], told["rollback"]["outcome"]], ["passed", "rows not proven"], "verdict")
            equal({"relation": "app.orders_slowly", "change": "new"}.items() <= told["files"][0].items(), True, "files")
            holds(told["log"]["bytes"] > 0 and told["log"]["includes_workload"] and told["log"]["bytes_alone"] > 0, "the log")
            contains(told["diff"]["text"], "orders_slowly")
            equal(told["workload"]["failed"], False, "the workload")
        for branch in ("perf-unsafe", "perf-safe"):
            equal(place.sql("SELECT indisvalid FROM pg_index WHERE indexrelid = 'app.orders_slowly'::regclass", branch=branch),
                  "t", "up again after down")
        equal(place.sql("SELECT to_regclass('app.orders_slowly')", branch="staging"), "", "staging is as it was")


def what_is_rewritten_and_tested_and_left(version):
    with Trying(version) as place:
        place.files("files", **{
            "V1__type.sql": "-- lbops:allow not-idempotent because it is\nALTER TABLE app.orders ALTER COLUMN total TYPE bigint;",
            "U1__type.sql": "-- lbops:allow not-idempotent because it is\nALTER TABLE app.orders ALTER COLUMN total TYPE int;"})
        report = place.dir / "out" / "report.md"
        done = place.try_out(report=str(report), ttl="2h", test_command=[
            "psql", "-XAtqc", "SELECT pg_typeof(total), current_setting('cluster_name') <> '' FROM app.orders LIMIT 1"])
        result = done["result"]
        told = result["rehearsal"]
        equal([result["created"], result["source_branch"], result["ttl_seconds"], result["rule"], told["applied"]],
              [True, "production", 7200, "BR-009", 1], "the branch")
        equal({f["relation"]: f["change"] for f in told["files"]},
              {"app.orders": "rewritten", "app.orders_pkey": "rebuilt"}, "files")
        equal([told["test"]["failed"], told["test"]["output"]], [False, "bigint|t\n"], "the test ran on the migrated branch")
        contains(told["diff"]["text"], "total")
        equal([told["rollback"]["outcome"], told["log"]["includes_workload"]], ["exact", False], "the way back")
        holds("predictions" in told and {p["outcome"] for p in told["predictions"]} == {"confirmed"}, f"{told.get('predictions')}")
        equal(report.read_text(), result["markdown"], "the report")
        holds("postgresql://" not in result["markdown"] and "PGHOST" not in str(done), "no connection in it")
        there = place.branches()[BRANCH]
        holds(there["expire_time"], "it goes by its time to live")
        equal(place.sql("SELECT format_type(atttypid, -1) FROM pg_attribute WHERE attrelid = 'app.orders'::regclass "
                        "AND attname = 'total'"), "integer", "the source is as it was")

        again = place.try_out()["result"]
        equal([again["created"], again["verdict"], again["rehearsal"]["applied"], again["rehearsal"]["diff"]["changes"]],
              [False, "passed", 0, 0], "a second time there is nothing to do")


def what_does_not_come_back_is_named():
    with Trying() as place:
        place.files("files", **{"V1__two.sql": "ALTER TABLE app.orders ADD COLUMN IF NOT EXISTS a int;\n"
                                               "ALTER TABLE app.orders ADD COLUMN IF NOT EXISTS b int;",
                                "U1__two.sql": "ALTER TABLE app.orders DROP COLUMN IF EXISTS a;"})
        failed = place.try_out(check=1, delete_after=True)
        contains(failed["error"]["message"], "after the rollback the schema is not what it was")
        told = failed["result"]["rehearsal"]
        equal([failed["result"]["verdict"], told["rollback"]["outcome"]], ["failed", "differs"], "verdict")
        contains(told["rollback"]["says"], "app.orders.b")
        holds("app.orders.a" not in told["rollback"]["says"], "what came back is not named")
        equal([failed["result"]["deleted"], BRANCH in place.branches()], [True, False], "the branch is gone")

        (place.dir / "files" / "U1__two.sql").unlink()
        told = place.try_out()["result"]["rehearsal"]
        equal(told["rollback"]["outcome"], "not possible", "there is no script")
        contains(told["rollback"]["says"], "there is no undo script for version 1")
        place.files("files", **{"V2__three.sql": "ALTER TABLE app.orders ADD COLUMN IF NOT EXISTS c int;"})
        contains(place.try_out(check=1, rollback="require")["error"]["message"], "no undo script for version 2")
        place.files("files", **{"V3__four.sql": "ALTER TABLE app.orders ADD COLUMN IF NOT EXISTS d int;"})
        done = place.try_out(rollback="skip", delete_after=True)["result"]
        equal([done["rehearsal"]["rollback"]["outcome"], done.get("deleted"), BRANCH in place.branches()],
              ["skipped", None, True], "as asked for; a branch that was there stays")


def rows_that_a_rollback_loses_are_counted():
    with Trying() as place:
        rows = int(place.sql("SELECT count(*) FROM app.orders"))
        place.files("files", **{"V1__fewer.sql": "DELETE FROM app.orders WHERE id <= 3;", "U1__fewer.sql": "SELECT 1;"})
        failed = place.try_out(check=1, delete_after=True)
        contains(failed["error"]["message"], "do not hold what they held")
        told = failed["result"]["rehearsal"]["rollback"]
        equal([told["outcome"], told["tables_left_out"]], ["loses rows", 0], "the schema is back, the rows are not")
        contains(told["rows"], f"app.orders: rows are lost ({rows} rows and")
        holds(told["tables_compared"] >= 1, "how many were compared")
        place.files("files", **{"V1__fewer.sql": "UPDATE app.orders SET total = 7 WHERE total IS DISTINCT FROM 7;"})
        told = place.try_out(delete_after=True)["result"]["rehearsal"]["rollback"]
        equal(told["outcome"], "changes rows", "nothing is lost, and something is another")
        contains(told["says"], "app.orders: other content")
        contains(place.try_out(check=1, delete_after=True, rollback="require")["error"]["message"], "do not hold what they held")
        told = place.try_out(delete_after=True, rows_mb=0)["result"]["rehearsal"]["rollback"]
        equal([told["outcome"], told["tables_compared"]], ["exact", 0], "as was asked for")


def rows_that_others_may_have_changed_are_not_proven():
    """What the first of two rounds loses is not there to be lost in the second; what a test writes is no migration's."""
    with Trying() as place:
        place.sql("ALTER TABLE app.orders ADD COLUMN note text DEFAULT 'kept'")
        allow = "-- lbops:allow column-drop because it is tried\n"
        place.files("drop", **{"V1__drop.sql": allow + "ALTER TABLE app.orders DROP COLUMN IF EXISTS note;",
                               "U1__drop.sql": "ALTER TABLE app.orders ADD COLUMN IF NOT EXISTS note text DEFAULT 'kept';"})
        place.files("fewer", **{"V1__fewer.sql": "DELETE FROM app.orders WHERE id <= 3;", "U1__fewer.sql": "SELECT 1;"})
        for name in ("drop", "fewer"):
            result = place.try_out(name, delete_after=True, replay=str(place.put("read.sql", "SELECT 1;\n")))["result"]
            told = result["rehearsal"]["rollback"]
            equal([told["outcome"], told["tables_compared"]], ["rows not proven", 0], name)
            holds(told["tables_left_out"] >= 1, f"counted: {told}")
            contains(told["rows"], "rows are not proven: others were at work")
            contains(result["markdown"], "rows are not proven: others were at work")
        place.files("good", **{"V1__good.sql": "ALTER TABLE app.orders ADD COLUMN IF NOT EXISTS a int;",
                               "U1__good.sql": "ALTER TABLE app.orders DROP COLUMN IF EXISTS a;"})
        for statement, outcome in (("DELETE FROM app.orders WHERE id = 7", "rows not proven"),
                                   ("INSERT INTO app.orders VALUES (99)", "rows not proven"), ("TABLE app.orders", "exact")):
            result = place.try_out("good", delete_after=True, test_command=["psql", "-XAtqc", statement])["result"]
            equal([result["verdict"], result["rehearsal"]["rollback"]["outcome"]], ["passed", outcome], statement)
        failed = place.try_out("fewer", check=1, delete_after=True, test_command=["psql", "-XAtqc", "TABLE app.orders"])
        equal(failed["result"]["rehearsal"]["rollback"]["outcome"], "loses rows", "a test that only reads hides nothing")


def failures_are_reported_and_fail():
    with Trying() as place:
        place.files("files", **{"V1__fails.sql": "SELECT 1/0;"})
        failed = place.try_out(check=1)
        contains(failed["error"]["message"], "the migration failed")
        contains(failed["result"]["markdown"], "division by zero")
        place.files("files", **{"V1__fails.sql": "COMMENT ON TABLE app.orders IS 'mine';"})
        failed = place.try_out(check=1, test_command=["sh", "-c", "echo three of four; exit 1"])
        contains(failed["error"]["message"], "the test failed")
        equal(failed["result"]["rehearsal"]["test"]["output"], "three of four\n", "its words")
        failed = place.try_out(check=1, workload=["sh", "-c", "echo no driver; exit 2"])
        contains(failed["error"]["message"], "no driver")
        failed = place.try_out(check=1, workload=["true"], replay=str(place.dir / "work.sql"))
        contains(failed["error"]["message"], "both a workload and statements to replay")
        failed = place.try_out(check=1, branch_name="perf-four", source_branch="nowhere")
        contains(failed["error"]["message"], "BR-035")
        contains(place.run(TOOL, branch="", check=1, dir=str(place.dir / "none"), branch_name=BRANCH)["error"]["message"],
                 "the migration failed")
        before = set(place.branches())
        plan = place.run(TOOL, branch="", plan=True, source_branch="production",
                         dir=str(place.dir / "files"))
        contains(plan["result"]["branch"], "perf-migration-")
        equal(set(place.branches()), before, "a plan makes nothing")


def a_branch_where_people_are_asked_runs_no_programs():
    with Trying(kind="shared") as place:
        place.files("files", **{"V1__a.sql": "COMMENT ON TABLE app.orders IS 'mine';"})
        failed = place.try_out(check=1, test_command=["true"])
        contains(failed["error"]["message"], "cannot wait for an approval")
        contains(failed["error"]["hint"], "throwaway")


def rewrites(version):
    def test():
        what_is_rewritten_and_tested_and_left(version)
    test.__name__ = f"what_is_rewritten_and_tested_and_left_on_{version}"
    return test


suite(the_unsafe_way_and_the_safe_way_differ, *[rewrites(v) for v in VERSIONS], what_does_not_come_back_is_named,
      rows_that_a_rollback_loses_are_counted, rows_that_others_may_have_changed_are_not_proven,
      failures_are_reported_and_fail,
      a_branch_where_people_are_asked_runs_no_programs, at_once=3)
