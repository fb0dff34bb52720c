"""test_migration_on_branch: a migration on a branch of staging, with people at work on it. What it says is held against
what the branch looks like afterwards.

How long an index takes is up to the test, not to the machine: its expression sleeps for each row."""

from place import VERSIONS, contains, equal, holds, suite
from rehearsing import BRANCH, TOOL, VERSION, Trying, on

UNSAFE = {"V1__index.sql": "CREATE INDEX IF NOT EXISTS orders_slowly ON app.orders (app.slowly(id));",
          "U1__index.sql": "DROP INDEX IF EXISTS app.orders_slowly;"}
SAFE = {"V1__index.sql": "CREATE INDEX CONCURRENTLY IF NOT EXISTS orders_slowly ON app.orders (app.slowly(id));",
        "U1__index.sql": "DROP INDEX CONCURRENTLY IF EXISTS app.orders_slowly;"}


def lock_of(rehearsal, relation, mode):
    return [l for l in rehearsal.get("locks", []) if (l["relation"], l["mode"]) == (relation, mode)]


def the_unsafe_way_and_the_safe_way_differ():
    """The same index, built in both ways, while four sessions write to its table."""
    with Trying(source="staging") as place:
        work = str(place.dir / "work.sql")
        place.files("unsafe", **UNSAFE)
        place.files("safe", **SAFE)
        unsafe = place.try_out("unsafe", branch_name="perf-unsafe", replay=work, around_ms=300)["result"]
        safe = place.try_out("safe", branch_name="perf-safe", replay=work, around_ms=300)["result"]

        told = unsafe["rehearsal"]
        lock = lock_of(told, "app.orders", "ShareLock")
        equal(len(lock), 1, f"the lock of CREATE INDEX in {told.get('locks')}")
        holds(lock[0]["held_ms_at_most"] >= lock[0]["held_ms_at_least"] > 0, f"its duration: {lock}")
        holds(lock[0]["held_ms_at_most"] > 500, f"30 rows at 20 ms each: {lock}")
        holds(lock[0]["blocked_sessions"] >= 1 and lock[0]["longest_wait_ms"] > 0, f"who waited: {lock}")
        waits = [b for b in told["blocked"] if b["relation"] == "app.orders" and b["mode"] == "RowExclusiveLock"]
        holds(any(w["application"] == "pgbench" and "UPDATE app.orders" in w["query"] for w in waits), f"{waits}")
        equal({p["outcome"] for p in told["predictions"] if p["rule"] == "index-not-concurrent"}, {"confirmed"}, "foretold")
        one = [s for s in told["statements"] if s["file"] == "V1__index.sql"]
        holds([(l["relation"], l["mode"]) for l in one[0]["locks"]].count(("app.orders", "ShareLock")) == 1 and
              one[0]["took_ms"] > 500 and one[0]["locks"][0]["held_ms"] > 500, f"the transaction's own list: {one}")
        equal([one[0]["read"], one[0]["rewritten"]], [["app.orders"], []], "read, and not rewritten")
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
            equal([result["verdict"], told["rollback"]["outcome"], told["rollback"]["quiet_round"]], ["passed", "exact", True], "verdict")
            holds(told["rollback"]["tables_compared"] >= 1 and not told["rollback"]["other_way"], "the way back")
            equal({"relation": "app.orders_slowly", "change": "new"}.items() <= told["files"][0].items(), True, "files")
            holds(told["log"]["bytes"] > 0 and told["log"]["includes_workload"] and told["log"]["bytes_alone"] > 0, "the log")
            contains(told["diff"]["text"], "orders_slowly")
            equal(told["workload"]["failed"], False, "the workload")
        for branch in ("perf-unsafe", "perf-safe"):
            equal(place.sql("SELECT indisvalid FROM pg_index WHERE indexrelid = 'app.orders_slowly'::regclass", branch=branch),
                  "t", "up again after down")
        equal(place.sql("SELECT to_regclass('app.orders_slowly')", branch="staging"), "", "staging is as it was")


def what_the_source_is_asked_is_replayed():
    """Its statements with values of its rows, beside a migration that locks them out for more than half a second."""
    allow = "-- lbops:allow not-idempotent because it is tried\n"
    with Trying() as place:
        before = place.sql("SELECT sum(total), count(*) FROM app.orders")
        place.sql("CREATE TABLE app.shut (id int); INSERT INTO app.shut VALUES (1); SELECT pg_stat_statements_reset()")
        asked = ["SELECT total FROM app.orders WHERE id = 3"] * 6 + ["UPDATE app.orders SET total = 4 WHERE id = 4"] * 2 + [
            "INSERT INTO app.orders VALUES (77) ON CONFLICT DO NOTHING",
            "SELECT date_trunc('day', now()) FROM app.orders LIMIT 1"]
        place.sql(";".join(asked) + ";DELETE FROM app.orders WHERE id = 77; UPDATE app.shut SET id = 1 WHERE id = 1")
        place.sql("ALTER TABLE app.shut ADD CONSTRAINT shut CHECK (id > 1) NOT VALID")
        place.files("files", **{"V1__check.sql": allow + "ALTER TABLE app.orders ADD CONSTRAINT slow CHECK (app.slowly(id) > 0);",
                                "U1__check.sql": "ALTER TABLE app.orders DROP CONSTRAINT IF EXISTS slow;"})
        done = place.try_out(replay_top=20, replay_writes=True, clients=2, rate=400, around_ms=600)["result"]
        told = done["rehearsal"]
        spread = {l["phase"]: l for l in told["latency"]}
        holds(all(spread[p]["statements"] > 0 for p in ("before", "during", "after")), f"in each phase: {spread}")
        holds(spread["during"]["longest_ms"] > 300 and spread["during"]["p99_ms"] > spread["before"]["p50_ms"], f"they waited: {spread}")
        by_query = {r["query"].split()[0] + " " + r["query"].split()[1].split("(")[0]: r for r in told["replayed"]}
        equal({k: r["replayed"] for k, r in by_query.items()},
              {"SELECT total": True, "UPDATE app.orders": True, "DELETE FROM": True, "INSERT INTO": False,
               "UPDATE app.shut": False, "SELECT date_trunc": True}, f"{told['replayed']}")
        equal([by_query["SELECT total"]["guessed"], by_query["SELECT date_trunc"]["guessed"]], [False, True], "made up")
        contains(by_query["INSERT INTO"]["why_not"], "cannot be made up")
        contains(by_query["UPDATE app.shut"]["why_not"], 'violates check constraint "shut"')
        equal([round(told["replay"]["calls_percent"]), told["replay"]["statements"], told["replay"]["source"]],
              [83, 4, "production"], "how much of it")
        contains(done["markdown"], "4 of 6 statements were replayed: 83.3 % of what the source is asked, by calls")
        contains(done["markdown"], "### Not to be known here")
        equal(told["workload"]["failed"], False, "the workload")
        holds(any(b["application"] == "pgbench" for b in told["blocked"]), "who waited")
        equal(place.sql("SELECT sum(total), count(*) FROM app.orders", branch=BRANCH), before, "writes were rolled back")

        place.files("drops", **{"V1__total.sql": "-- lbops:allow column-drop because it is tried\n"
                                                 "ALTER TABLE app.orders DROP COLUMN IF EXISTS total;"})
        failed = place.try_out("drops", check=1, branch_name="perf-drops", replay_top=9, around_ms=300)
        contains(failed["error"]["message"], 'column "total" does not exist')
        place.files("notes", **{"V1__note.sql": "-- lbops:allow column-drop because it is tried\n"
                                                "ALTER TABLE app.orders DROP COLUMN IF EXISTS total;",
                                "U1__note.sql": "ALTER TABLE app.orders ADD COLUMN IF NOT EXISTS total int NOT NULL DEFAULT 0;"})
        lost = place.try_out("notes", branch_name="perf-notes")["result"]["rehearsal"]
        equal([lost["rollback"]["grade"], [(n["column"], n["lost"]) for n in lost["not_back"]]],
              ["yellow", [("total", False)]], "a default is no value that was there")
        place.sql("SELECT pg_stat_statements_reset()")
        failed = place.try_out(check=1, branch_name="perf-none", replay_top=5)
        contains(failed["error"]["message"], "production has no workload to replay")


def what_no_transaction_holds_is_heard(place):
    """And what was heard until a migration failed, in its report and in its error."""
    allow = "-- lbops:allow not-idempotent because it is tried\n"
    files = {"V1__alone.sql": "CREATE INDEX CONCURRENTLY IF NOT EXISTS alone ON app.orders (total);",
             "V2__build.sql": "REINDEX INDEX CONCURRENTLY app.alone;"}
    place.files("alone", **files)
    told = place.try_out("alone", branch_name="perf-alone", rollback="skip", delete_after=True)["result"]
    heard = [(n["file"][:2], n["statement"], n["kind"], n["object"]) for n in told["rehearsal"]["heard"]]
    equal(heard, [("V1", 1, "index build", "alone"), ("V2", 1, "index build", "alone_ccnew")], "outside of transactions")
    contains(told["markdown"], 'V1__alone.sql 1, index build: `building index "alone" on table "orders"')
    place.sql("CREATE TABLE app.twice (id int); INSERT INTO app.twice VALUES (1), (1)")
    for name, kind, sql in (("outside", "index build", "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS once ON app.twice (id);"),
                            ("inside", "scan", "COMMENT ON TABLE app.twice IS 'x';\n"
                                               "ALTER TABLE app.twice ADD CONSTRAINT two CHECK (id > 1);")):
        place.files(name, **{"V1__fails.sql": allow + sql})
        failed = place.try_out(name, branch_name="perf-alone", check=1, rollback="skip", delete_after=True)
        told = failed["result"]["rehearsal"]
        equal([(n["statement"], n["kind"]) for n in told["heard"]], [(sql.count(";"), kind)], f"{name}: heard until it failed")
        contains(failed["error"]["message"], "; the server was ")
        contains(failed["result"]["markdown"], f"V1__fails.sql {sql.count(';')}, {kind}: `")


def the_server_says_why(place):
    """What it scans, rewrites, validates, builds or need not read, in its own words; what a migration says by itself is
    neither believed nor shown."""
    allow = "-- lbops:allow not-idempotent because it is tried\n"
    place.sql("ALTER TABLE app.orders ADD COLUMN note text DEFAULT 'x', ADD CONSTRAINT filled CHECK (note IS NOT NULL AND note <> ''),"
              " ADD CONSTRAINT positive CHECK (total >= 0) NOT VALID;"
              "CREATE TABLE app.items (order_id int); INSERT INTO app.items VALUES (1);"
              "ALTER TABLE app.items ADD CONSTRAINT items_fk FOREIGN KEY (order_id) REFERENCES app.orders NOT VALID;"
              "CREATE TABLE app.parts (id int NOT NULL) PARTITION BY RANGE (id);"
              "CREATE TABLE app.low (id int NOT NULL CHECK (id >= 0 AND id < 10)); INSERT INTO app.low VALUES (1);"
              "CREATE TABLE app.high (id int NOT NULL); INSERT INTO app.high VALUES (11)")
    place.files("why", **{
        "V1__null.sql": "ALTER TABLE app.orders ALTER COLUMN note SET NOT NULL;",
        "V2__check.sql": "ALTER TABLE app.orders VALIDATE CONSTRAINT positive;",
        "V3__at.sql": "ALTER TABLE app.orders ADD COLUMN IF NOT EXISTS at timestamptz DEFAULT clock_timestamp();",
        "V4__low.sql": allow + "ALTER TABLE app.parts ATTACH PARTITION app.low FOR VALUES FROM (0) TO (10);",
        "V5__high.sql": allow + "ALTER TABLE app.parts ATTACH PARTITION app.high FOR VALUES FROM (10) TO (20);",
        "V6__fk.sql": "ALTER TABLE app.items VALIDATE CONSTRAINT items_fk;",
        "V7__says.sql": "SELECT 1;\nDO $$ BEGIN RAISE DEBUG 'rewriting table \"forged\"'; RAISE NOTICE 'row of 4711'; END $$;"})
    done = place.try_out("why", branch_name="perf-why", rollback="skip")
    told = done["result"]["rehearsal"]
    said = {}
    for s in told["statements"]:
        said.setdefault(s["file"][:2], []).extend((n["kind"], n["object"]) for n in s["notices"])
    equal(said, {"V1": [("proven", "orders.note")], "V2": [("scan", "orders")],
                 "V3": [("rewrite", "orders"), ("index build", "orders_pkey")], "V4": [("proven", "low")],
                 "V5": [("scan", "high")], "V6": [("validation", "items_fk")], "V7": []}, "why")
    outcome = {(p["file"][:2], p["rule"]): (p["outcome"], p["why"]) for p in told["predictions"]}
    equal({k: v[0] for k, v in outcome.items() if k[1] in ("set-not-null", "column-volatile-default", "partition-attach")},
          {("V1", "set-not-null"): "proven", ("V3", "column-volatile-default"): "confirmed",
           ("V4", "partition-attach"): "proven", ("V5", "partition-attach"): "confirmed"}, f"{told['predictions']}")
    contains(outcome[("V4", "partition-attach")][1], 'partition constraint for table "low" is implied by existing constraints')
    contains(done["result"]["markdown"], "V4__low.sql 1, proven: `partition constraint for table \"low\" is implied")
    what_no_transaction_holds_is_heard(place)
    told = str(done["result"])
    equal([told[max(told.find(w) - 200, 0):told.find(w) + 80] for w in ("forged", "4711") if w in told], [], "said by itself")


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
        equal([s["rewritten"] for s in told["statements"]], [["app.orders", "app.orders_pkey"]], "which statement it was")
        holds(told["statements"][0]["log_bytes"] > 0 and told["size"]["before"] > 0 and told["temp_bytes"] >= 0, f"{told['statements']}")
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
        the_server_says_why(place)


def predictions_are_held_against_what_was_seen():
    """A SET NOT NULL that a constraint proves reads nothing, and that is why; a statement that finds nothing to do says
    nothing; the third statement's lock is held for its own time only, the first one's to the end."""
    allow = "-- lbops:allow not-idempotent because it is tried\n"
    with Trying() as place:
        place.sql("ALTER TABLE app.orders ADD COLUMN note text; UPDATE app.orders SET note = 'x';"
                  "ALTER TABLE app.orders ADD CONSTRAINT filled CHECK (note IS NOT NULL AND note <> ''); CREATE TABLE app.other (id int); CREATE INDEX there ON app.other (id)")
        place.files("files", **{"V1__null.sql": "ALTER TABLE app.orders ALTER COLUMN note SET NOT NULL;\nSELECT pg_sleep(0.2);\n"
                                                "COMMENT ON TABLE app.other IS 'b';",
                                "V2__gone.sql": "DROP TABLE IF EXISTS app.nothing;",
                                "V3__full.sql": allow + "ALTER TABLE app.other ADD CONSTRAINT k PRIMARY KEY (id);",
                                "V4__there.sql": "CREATE INDEX IF NOT EXISTS there ON app.other (id);",
                                "V5__behind.sql": "ALTER TABLE app.other ADD COLUMN IF NOT EXISTS a int;\n"
                                                  "CREATE INDEX IF NOT EXISTS fresh ON app.other (a);",
                                "V6__wide.sql": allow + "ALTER TABLE app.other ALTER COLUMN a TYPE bigint;",
                                "V7__no|file.sql": "ALTER TABLE app.other ADD COLUMN IF NOT EXISTS b int;",
                                "V8__new.sql": "CREATE TABLE IF NOT EXISTS app.n (id int);",
                                "V9__newer.sql": allow + "ALTER TABLE app.n ALTER COLUMN id TYPE bigint;"})
        done = place.try_out(rollback="skip")
        told = done["result"]["rehearsal"]
        outcome = {(p["file"], p["rule"]): p for p in told["predictions"]}
        equal({k: p["outcome"] for k, p in outcome.items() if k[1] in ("set-not-null", "table-drop", "primary-key-builds-index")},
              {("V1__null.sql", "set-not-null"): "proven", ("V2__gone.sql", "table-drop"): "not exercised",
               ("V3__full.sql", "primary-key-builds-index"): "confirmed"}, f"{told['predictions']}")
        proven = outcome[("V1__null.sql", "set-not-null")]
        equal([proven["measured"], proven["was_read"]], ["AccessExclusiveLock", False], "the lock as foretold, and no scan")
        contains(proven["why"], 'existing constraints on column "orders.note" are sufficient')
        equal([told["foretold"]["proven"], sum(told["foretold"].values())], [1, len(told["predictions"])], "counted")
        contains(done["result"]["markdown"], "1 spared by what was proven")
        index = {p["file"]: p for p in told["predictions"] if p["rule"] == "index-not-concurrent"}
        equal([(index[f]["outcome"], index[f]["measured"]) for f in ("V4__there.sql", "V5__behind.sql")],
              [("not exercised", "ShareLock"), ("confirmed", "ShareLock")], "nothing to do, and behind a stronger lock")
        equal({f[:2]: s["rewritten"] for s in told["statements"] for f in [s["file"]] if f[:2] in ("V6", "V7", "V8", "V9")},
              {"V6": ["app.k", "app.other", "app.there"], "V7": [], "V8": [], "V9": ["app.n"]}, "by each file, not by the ones before it")
        equal({p["outcome"] for p in told["predictions"] if p["file"] == "V9__newer.sql" and p["rewrites"]}, {"confirmed"}, "a new table")
        contains(done["result"]["markdown"], "| `V7__no/file.sql` 1 | ")
        first = [s for s in told["statements"] if (s["file"], s["statement"]) == ("V1__null.sql", 1)][0]
        holds(first["locks"][0]["held_ms"] - first["took_ms"] >= 200, f"held to the end of the transaction: {first}")
        kept = [r["metric_name"] for r in place.waiting("lakebase_metrics") if r["metric_name"].startswith("migration_")]
        equal(len(kept), len(told["predictions"]), f"history: {kept}")


def what_does_not_come_back_is_named(place):
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
        equal([told["outcome"], told["grade"], told["tables_left_out"]], ["loses rows", "red", 0], "the schema is back, the rows are not")
        contains(told["other_way"], "create_branch")
        equal([(n["table"], n["column"], n["rows_before"] - n["rows_after"]) for n in failed["result"]["rehearsal"]["not_back"]],
              [("app.orders", None, 3)], "what does not come back")
        contains(told["rows"], f"app.orders: rows are lost ({rows} rows and")
        holds(told["tables_compared"] >= 1, "how many were compared")
        place.files("files", **{"V1__fewer.sql": "UPDATE app.orders SET total = 7 WHERE total IS DISTINCT FROM 7;"})
        place.sql("SELECT pg_stat_statements_reset(); SELECT id FROM app.orders WHERE id = 5")
        all_told = place.try_out(delete_after=True, replay_top=5, around_ms=100)["result"]["rehearsal"]
        told = all_told["rollback"]
        equal([told["outcome"], told["grade"]], ["changes rows", "yellow"], "nothing is lost, and something is another, beside readers too")
        equal([(n["table"], n["column"], n["lost"]) for n in all_told["not_back"]], [("app.orders", "total", False)], "which column")
        contains(told["says"], "app.orders: other content")
        contains(place.try_out(check=1, delete_after=True, rollback="require")["error"]["message"], "do not hold what they held")
        place.sql("ALTER TABLE app.orders ADD COLUMN note text")
        place.files("fills", **{"V1__note.sql": "UPDATE app.orders SET note = 'x' WHERE note IS NULL;", "U1__note.sql": "SELECT 1;"})
        filled = place.try_out("fills", delete_after=True)["result"]["rehearsal"]
        equal([(n["column"], n["lost"], n["values_before"], n["values_after"] > 0) for n in filled["not_back"]],
              [("note", False, 0, True)], "a column that was empty")
        told = place.try_out(delete_after=True, rows_mb=0)["result"]["rehearsal"]["rollback"]
        equal([told["outcome"], told["tables_compared"]], ["exact", 0], "as was asked for")


def a_quiet_round_proves_rows_beside_others(place):
    """A workload that writes: what the undo script does not bring back is told by a round before it, with nobody there."""
    place.sql("ALTER TABLE app.orders ADD COLUMN note text DEFAULT 'kept'; UPDATE app.orders SET note = 'mine' WHERE id = 9")
    place.files("drop", **{"V1__drop.sql": "-- lbops:allow column-drop because it is tried\n"
                                           "ALTER TABLE app.orders DROP COLUMN IF EXISTS note;",
                           "U1__drop.sql": "ALTER TABLE app.orders ADD COLUMN IF NOT EXISTS note text DEFAULT 'kept';"})
    place.files("fewer", **{"V1__fewer.sql": "DELETE FROM app.orders WHERE id <= 3;", "U1__fewer.sql": "SELECT 1;"})
    writes = str(place.put("writes.sql", "\\set id random(1, 9000)\nINSERT INTO app.orders VALUES (1000 + :id) ON CONFLICT DO NOTHING;\n"))
    told = place.try_out("drop", delete_after=True, around_ms=50, replay=writes)["result"]["rehearsal"]
    equal([told["rollback"][k] for k in ("outcome", "grade", "quiet_round")], ["changes rows", "yellow", True], "a default")
    equal([(n["column"], n["lost"]) for n in told["not_back"]], [("note", False)], "which column")
    holds(told["rollback"]["tables_compared"] >= 1 and told["workload"]["ran"], f"{told['rollback']}")
    failed = place.try_out("fewer", check=1, delete_after=True, around_ms=50, replay=writes)["result"]
    told = failed["rehearsal"]
    equal([told["rollback"]["outcome"], [(n["rows_before"], n["rows_after"]) for n in told["not_back"]]],
          ["loses rows", [(30, 27)]], "beside a workload that inserts")
    holds(told["workload"]["ran"] and told["applied"] == 1, "and it was measured all the same")
    contains(failed["markdown"], "The rows that the quiet round before the measured one has lost")


def a_quiet_round_that_ends_badly_is_the_last(place):
    """Where nothing leads back to the beginning, nothing is measured, or there is no quiet round from the first."""
    work = str(place.dir / "work.sql")
    place.files("bad", **{"V1__bad.sql": "ALTER TABLE app.orders ADD COLUMN IF NOT EXISTS a int;", "U1__bad.sql": "SELECT 1/0;"})
    failed = place.try_out("bad", check=1, delete_after=True, around_ms=50, replay=work)
    contains(failed["error"]["message"], "the rollback failed")
    told = failed["result"]["rehearsal"]
    equal([told["rollback"]["outcome"], told.get("workload"), told["diff"]["changes"] > 0], ["not possible", None, True], "not measured")
    contains(failed["result"]["markdown"], "it was not measured beside the workload")
    holds(any(s["file"] == "V1__bad.sql" for s in told["statements"]), "what was seen of the quiet round")
    (place.dir / "bad" / "U1__bad.sql").unlink()
    told = place.try_out("bad", delete_after=True, around_ms=50, replay=work)["result"]["rehearsal"]
    equal([told["rollback"][k] for k in ("outcome", "quiet_round", "tables_compared")], ["not possible", False, 0], "no way back")
    equal([told["applied"], told["workload"]["failed"]], [1, False], "measured")
    place.files("view", **{"R__view.sql": "CREATE OR REPLACE VIEW app.v AS SELECT id FROM app.orders;"})
    told = place.try_out("view", delete_after=True, around_ms=50, replay=work)["result"]["rehearsal"]
    equal([told["applied"], told["rollback"]["quiet_round"]], [1, False], "a repeatable file comes once")


def what_a_test_writes_is_no_migrations(place):
    place.files("good", **{"V1__good.sql": "ALTER TABLE app.orders ADD COLUMN IF NOT EXISTS a int;",
                           "U1__good.sql": "ALTER TABLE app.orders DROP COLUMN IF EXISTS a;"})
    for statement, outcome in (("DELETE FROM app.orders WHERE id = 7", "rows not proven"),
                               ("INSERT INTO app.orders VALUES (99)", "rows not proven"), ("TABLE app.orders", "exact")):
        result = place.try_out("good", delete_after=True, test_command=["psql", "-XAtqc", statement])["result"]
        equal([result["verdict"], result["rehearsal"]["rollback"]["outcome"]], ["passed", outcome], statement)
    result = place.try_out("good", delete_after=True, around_ms=50, replay=str(place.dir / "work.sql"),
                           test_command=["psql", "-XAtqc", "DELETE FROM app.orders WHERE id = 7"])["result"]
    equal([result["verdict"], result["rehearsal"]["rollback"]["outcome"]], ["passed", "exact"], "as the quiet round proves it")
    failed = place.try_out("fewer", check=1, delete_after=True, test_command=["psql", "-XAtqc", "TABLE app.orders"])
    equal(failed["result"]["rehearsal"]["rollback"]["outcome"], "loses rows", "a test that only reads hides nothing")


def rows_are_proven_beside_others(version):
    with Trying(version) as place:
        a_quiet_round_proves_rows_beside_others(place)
        if version == VERSION: # what does not depend on the server
            a_quiet_round_that_ends_badly_is_the_last(place)
            what_a_test_writes_is_no_migrations(place)


def failures_are_reported_and_fail(place):
    place.files("fails", **{"V1__fails.sql": "SELECT 1/0;"})
    failed = place.try_out("fails", branch_name="perf-fails", check=1)
    contains(failed["error"]["message"], "the migration failed")
    contains(failed["result"]["markdown"], "division by zero")
    place.files("fails", **{"V1__fails.sql": "COMMENT ON TABLE app.orders IS 'mine';"})
    failed = place.try_out("fails", branch_name="perf-fails", check=1, test_command=["sh", "-c", "echo three of four; exit 1"])
    contains(failed["error"]["message"], "the test failed")
    equal(failed["result"]["rehearsal"]["test"]["output"], "three of four\n", "its words")
    failed = place.try_out("fails", branch_name="perf-fails", check=1, workload=["sh", "-c", "echo no driver; exit 2"])
    contains(failed["error"]["message"], "no driver")
    failed = place.try_out("fails", branch_name="perf-fails", check=1, workload=["true"], replay=str(place.dir / "work.sql"))
    contains(failed["error"]["message"], "both a workload and statements to replay")
    failed = place.try_out("fails", check=1, branch_name="perf-four", source_branch="nowhere")
    contains(failed["error"]["message"], "BR-035")
    contains(place.run(TOOL, branch="", check=1, dir=str(place.dir / "none"), branch_name=BRANCH)["error"]["message"],
             "the migration failed")
    before = set(place.branches())
    plan = place.run(TOOL, branch="", plan=True, source_branch="production",
                     dir=str(place.dir / "fails"))
    contains(plan["result"]["branch"], "perf-migration-")
    equal(set(place.branches()), before, "a plan makes nothing")


def a_branch_where_people_are_asked_runs_no_programs():
    with Trying(kind="shared") as place:
        place.files("files", **{"V1__a.sql": "COMMENT ON TABLE app.orders IS 'mine';"})
        failed = place.try_out(check=1, test_command=["true"])
        contains(failed["error"]["message"], "cannot wait for an approval")
        contains(failed["error"]["hint"], "throwaway")


def what_does_not_come_back_and_what_fails():
    """In one project: it is the start of servers that takes the time."""
    with Trying() as place:
        what_does_not_come_back_is_named(place)
        failures_are_reported_and_fail(place)


suite(the_unsafe_way_and_the_safe_way_differ, what_the_source_is_asked_is_replayed, rows_that_a_rollback_loses_are_counted,
      *[on(v, check) for check in (rows_are_proven_beside_others, what_is_rewritten_and_tested_and_left) for v in VERSIONS],
      what_does_not_come_back_and_what_fails, predictions_are_held_against_what_was_seen,
      a_branch_where_people_are_asked_runs_no_programs, at_once=3)
