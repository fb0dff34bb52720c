"""apply_schema_migration when something is in the way: a kill, another runner, a held lock, a build that fails, a person
who has to be asked. The database is looked at afterwards."""

import json
import re
import subprocess
import sys
import time

from migrating import FIRST, PROGRAM, TOOL, Migrations, kill, rules
from place import PATIENCE, TESTS, VERSIONS, Local, contains, each_version, equal, holds, suite

sys.path.insert(0, str(TESTS / "emulator"))
from harness import until  # noqa: E402

BUILD = "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS orders_total ON app.orders (total);"
INVALID = "SELECT count(*) FROM pg_index WHERE NOT indisvalid"
VALID = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('app.orders_total')"


def what_was_killed_in_a_transaction_is_done_again(version):
    with Migrations(version, V1__orders=FIRST, V2__slow="ALTER TABLE app.orders ADD COLUMN IF NOT EXISTS a int;\n"
                                                       "SELECT pg_sleep(60);") as place:
        running = place.start()
        place.until("SELECT count(*) = 1 FROM pg_stat_activity WHERE query ~ '^SELECT pg_sleep' AND state = 'active' "
                    "AND datname = current_database()")
        kill(running)
        place.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query ~ '^SELECT pg_sleep' "
                  "AND datname = current_database()")
        equal(place.ledger(), ["V1__orders.sql|done|2|2"], "of the second file there is nothing")
        place.put("V2__slow", "ALTER TABLE app.orders ADD COLUMN IF NOT EXISTS a int;\nSELECT pg_sleep(0);")
        equal(place.migrate()["result"]["version"], "2", "version")
        equal(place.migrate()["changes"], [], "nothing is left to do")


def what_was_killed_in_a_build_goes_on_there(version):
    with Migrations(version, V1__orders=FIRST) as place:
        place.migrate()
        place.put("V2__index", "INSERT INTO app.orders VALUES (7, 7) ON CONFLICT DO NOTHING;\n" + BUILD
                  + "\nCOMMENT ON INDEX app.orders_total IS 'whole';")
        reader = place.session()
        reader.stdin.write("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM app.orders;\n")
        reader.stdin.flush()
        equal(reader.stdout.readline(), "0\n", "an old snapshot, which the build waits for")
        running = place.start()
        place.until("SELECT count(*) > 0 FROM pg_stat_progress_create_index WHERE datname = current_database() "
                    "AND phase ~ 'waiting'")
        kill(running)
        place.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query ~ 'CONCURRENTLY' "
                  "AND pid <> pg_backend_pid() AND datname = current_database()")
        place.until("SELECT count(*) = 0 FROM pg_stat_progress_create_index WHERE datname = current_database()")
        equal(place.sql(INVALID), "1", "an invalid index is left")
        reader.communicate("ROLLBACK;\n")
        done = place.migrate()
        equal(done["result"]["migrations"][0]["statements_done"], 3, "statements")
        first = [c["statement"] for c in done["changes"] if "INSERT INTO app.orders" in c["statement"]]
        equal(first, [], "the first statement is not executed again")
        equal((place.sql(INVALID), place.sql(VALID)), ("0", "t"), "indexes")
        equal(place.sql("SELECT obj_description('app.orders_total'::regclass)"), "whole", "what came behind it")


def a_build_on_duplicates_leaves_nothing_behind(version):
    with Migrations(version, V1__orders=FIRST, V2__index=BUILD) as place:
        place.migrate(target_version="1")
        place.sql("INSERT INTO app.orders VALUES (1, 5), (2, 5)")
        place.refused("V2__index.sql: statement 1 (line 1, column 1)", "could not create unique index")
        equal(place.sql(INVALID), "0", "the invalid index is gone")
        place.sql("DELETE FROM app.orders WHERE id = 2")
        place.migrate()
        equal(place.sql(VALID), "t", "and can be built")


def what_is_left_of_a_file_can_be_corrected(version):
    with Migrations(version, V1__orders=FIRST) as place:
        place.migrate()
        begun = "INSERT INTO app.orders VALUES (1, 5), (2, 5) ON CONFLICT DO NOTHING;\n"
        place.put("V2__index", begun + BUILD)
        place.refused("could not create unique index")
        place.put("V2__index", begun.replace("(2, 5)", "(2, 6)") + BUILD)
        place.refused("V2__index.sql was applied up to statement 1")
        place.put("V2__index", begun + "-- without UNIQUE\n" + BUILD.replace("UNIQUE ", ""))
        equal(place.migrate()["result"]["version"], "2", "version")
        equal(place.sql(VALID), "t", "the index")
        equal(place.migrate()["changes"], [], "nothing is left to do")


def on_production_a_person_is_asked_to_drop_what_failed(version):
    with Migrations(version, kind="production", V1__orders=FIRST, V2__index=BUILD) as place:
        place.migrate(target_version="1")
        place.sql("INSERT INTO app.orders VALUES (1, 5), (2, 5)")
        place.refused("could not create unique index")
        equal(place.sql(INVALID), "1", "DROP INDEX always asks there")
        asked = place.approvals()
        equal([a["title"] for a in asked], ["drop the invalid index app.orders_total"], "approvals")
        place.sql("DELETE FROM app.orders WHERE id = 2")
        equal(place.migrate(check=3)["status"], "pending_approval", "nothing is built before it is decided")
        equal(len(place.approvals()), 1, "asked once")
        place.approve(asked[0]["id"])
        equal(place.sql(INVALID), "0", "dropped")
        place.migrate()
        equal(place.sql(VALID), "t", "built")


def an_index_of_others_is_not_dropped(version):
    with Migrations(version, V1__orders=FIRST) as place:
        place.migrate()
        place.sql("INSERT INTO app.orders VALUES (1, 5), (2, 5)")
        place.psql("-c", BUILD, check=False)
        equal(place.sql(INVALID), "1", "somebody's invalid index")
        place.put("V2__index", BUILD)
        place.refused("app.orders_total is invalid, and it was not this migration that left it")
        equal(place.sql(INVALID), "1", "it is still there")


SHAPES = (
    ("UNIQUE", "app.orders (total)", "unique btree on orders (total)"),
    ("", "app.orders (total DESC, id NULLS FIRST)", "btree on orders (total desc, id nulls first)"),
    ("", "app.orders (total DESC NULLS LAST, (id))", "btree on orders (total desc nulls last, id)"),
    ("", "app.orders ((total + 1), id) WHERE total > 1", "btree on orders ((expression), id) where"),
    ("", "app.orders USING hash (id) WHERE true", "hash on orders (id)"),
    ("UNIQUE", "app.orders (id) INCLUDE (total) NULLS NOT DISTINCT", "unique btree on orders (id) include (total) nulls not distinct"),
    ("", 'app."the Rest" ("A b" COLLATE "C" text_pattern_ops)', "btree on the Rest (A b)"))


def an_index_with_another_definition_is_not_the_one_that_is_wanted(version):
    def build(i, name):
        unique, on, _ = SHAPES[i]
        return f'CREATE {unique} INDEX CONCURRENTLY IF NOT EXISTS {name} ON {on};'

    with Migrations(version, V1__orders=FIRST + 'CREATE TABLE IF NOT EXISTS app."the Rest" ("A b" text PRIMARY KEY);') as place:
        place.migrate()
        for i in range(len(SHAPES)):
            place.psql("-c", build(i, f"index_{i}"))
        place.put("V2__same", "\n".join(build(i, f"index_{i}") for i in range(len(SHAPES))))
        equal(place.migrate()["result"]["version"], "2", "each is the one that is there")
        for i, (_, _, shape) in enumerate(SHAPES):
            other = (i + 1) % len(SHAPES)
            place.put("V3__other", build(other, f"index_{i}"))
            planned = place.migrate(plan=True)["result"]
            contains(json.dumps(planned), f"app.index_{i}", f"it is {shape}, and wanted is {SHAPES[other][2]}")
            failed = place.refused(f"app.index_{i}: there is an index of that name with another definition: it is {shape}, "
                                   f"and wanted is {SHAPES[other][2]}", "build it under another name, or drop the one")
            equal(failed["error"]["code"], "conflict", "code")
            if version != VERSIONS[-1]:
                break
        equal(place.ledger()[-1].split("|")[:2], ["V3__other.sql", "failed"], "it is not taken as done")
        place.put("V3__other", f"DROP INDEX CONCURRENTLY IF EXISTS app.index_{i};")
        place.put("V4__other", build(other, f"index_{i}"))
        equal(place.migrate()["result"]["version"], "4", "once it is gone the other is built")
        equal(place.migrate()["changes"], [], "nothing is left to do")


def two_runners_apply_once(version):
    with Migrations(version, V1__orders=FIRST, V2__slow="SELECT pg_sleep(0.5);\nINSERT INTO app.orders VALUES (1) "
                                                       "ON CONFLICT DO NOTHING;", V3__index=BUILD) as place:
        both = [place.start(), place.start()]
        documents = [json.loads(p.communicate()[0]) for p in both]
        equal([d["status"] for d in documents], ["ok", "ok"], "both end well")
        equal(sorted(d["result"]["applied"] for d in documents), [0, 3], "one applies, the other finds nothing")
        equal(len([r for r in place.ledger() if "|done|" in r]), len(set(place.ledger())) - 1, "each once")
        holder = place.session()
        holder.stdin.write("SELECT pg_advisory_lock(hashtextextended('lbops_migration', 0));\nSELECT 'held';\n")
        holder.stdin.flush()
        while holder.stdout.readline() != "held\n":
            pass
        place.put("V4__more", "SELECT 1;")
        place.refused("migrations are being applied by session", lock_wait_s=0)
        holder.communicate("\\q\n")
        place.migrate()


def tried_for(document):
    """How often, for how many seconds, until which limit, and what else is said."""
    return re.fullmatch(r"tried (\d+) times in ([\d.]+) s, as (lock_\w+) has it; (.*)", document["error"]["hint"]).groups()


def others_get_through(place):
    """Readers and writers stand behind a run that waits, again and again, and never until the lock is free: that it is
    only when they have all been served. Gives how long each of them took, in milliseconds."""
    behind_us = ("SELECT count(*) > 0 FROM pg_stat_activity a, unnest(pg_blocking_pids(a.pid)) b JOIN pg_stat_activity w ON w.pid = b "
                 f"WHERE w.application_name = 'lbops/{TOOL}' AND a.application_name = 'others'")
    took, were_behind_us = [], set()
    others, watcher = place.session(), place.session()  # to start a program for each look would take longer than a wait
    others.stdin.write("\\timing on\nSET application_name = 'others';\nSET lock_timeout = '5min';\n")
    end = time.monotonic() + PATIENCE
    while len(were_behind_us) < 2 or len(took) < 20:
        holds(time.monotonic() < end, f"never behind us: {were_behind_us}, {took}")
        what = "SELECT 'answer' FROM app.orders WHERE id = 1", "UPDATE app.orders SET total = total + 1 WHERE id = 1 RETURNING 'answer'"
        others.stdin.write(f"{what[len(took) % 2]};\n")
        others.stdin.flush()
        watcher.stdin.write(f"{behind_us};\n")
        watcher.stdin.flush()
        if watcher.stdout.readline() == "t\n":
            were_behind_us.add(len(took) % 2)
        while others.stdout.readline() != "answer\n":
            pass
        took.append(float(others.stdout.readline().split()[1]))
    for session in (others, watcher):
        session.communicate("\\q\n")
    return took


def a_held_lock_is_tried_for_and_blocks_nobody(version):
    with Migrations(version, V1__orders=FIRST + "INSERT INTO app.orders VALUES (1) ON CONFLICT DO NOTHING;") as place:
        place.migrate()
        place.put("V2__column", "CREATE TABLE IF NOT EXISTS app.before (id bigint PRIMARY KEY);\n"
                                "ALTER TABLE app.orders ADD COLUMN IF NOT EXISTS a int;")
        holder = place.session()
        holder.stdin.write("SET application_name = 'holder'; BEGIN; SELECT count(*) FROM app.orders;\n")
        holder.stdin.flush()
        holder.stdout.readline()
        pid = place.sql("SELECT pid FROM pg_stat_activity WHERE application_name = 'holder' AND datname = current_database()")
        times, seconds, limit, who = tried_for(place.refused("lock timeout", lock_timeout_ms=50, lock_tries=3))
        equal([times, limit, float(seconds) >= 0.15], ["3", "lock_tries", True], "what it was tried")
        holds(re.fullmatch(rf"app\.orders is held by session {pid} \(holder, idle in transaction, \d+ s\)", who), who)
        times, seconds, limit, _ = tried_for(place.refused("lock timeout", lock_timeout_ms=60, lock_tries=100, lock_budget_s=4))
        equal([limit, float(seconds) >= 4, 1 < int(times) < 100], ["lock_budget_s", True, True], "all in all, whatever the tries")
        equal([place.exists("app.before"), [r.split("|")[1] for r in place.ledger()]], [False, ["done", "failed", "failed"]],
              "nothing is half done")
        if version == VERSIONS[-1]:
            times, seconds, limit, _ = tried_for(place.refused(lock_timeout_ms=10, lock_tries=60, lock_pause_ms=10))
            equal([times, limit, float(seconds) < 60], ["60", "lock_tries", True], "else their pauses would take minutes")
        running = place.start(lock_tries=100, lock_budget_s=3600)
        took = others_get_through(place)
        equal(running.poll(), None, "it has not got the lock meanwhile")
        print(f"    behind a wait of at most 500 ms: {max(took):.0f} ms")
        holder.communicate("COMMIT;\n")
        document = json.loads(running.communicate()[0])
        equal((document["status"], document["result"]["version"]), ("ok", "2"), "it went through in the end")
        limits = {c["statement"] for c in document["changes"] if "SET LOCAL lock_timeout" in c["statement"]}
        equal(limits, {"SET LOCAL lock_timeout TO 500"}, "how long each try waits")


def what_is_set_outside_of_a_transaction_is_set_back(version):
    """Also after a failure, in the same session, which holds the lock of the migrations; the ledger's rows tell of it."""
    with Migrations(version, V1__orders=FIRST) as place:
        place.migrate()
        place.sql("INSERT INTO app.orders VALUES (1, 5), (2, 5);"
                  "CREATE TABLE app.seen (state text, pid int, waits text, messages text, locks bigint);"
                  "CREATE FUNCTION app.see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO app.seen SELECT NEW.state, "
                  "pg_backend_pid(), current_setting('lock_timeout'), current_setting('client_min_messages'), (SELECT count(*) "
                  "FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()); RETURN NEW; END $$;"
                  "CREATE TRIGGER see BEFORE INSERT ON lbops_migration.ledger FOR EACH ROW EXECUTE FUNCTION app.see()")

        def seen(tell):
            sights = [row.split("|") for row in place.sql("SELECT * FROM app.seen").splitlines()]
            place.sql("TRUNCATE app.seen")
            equal([len({s[1] for s in sights}), {tuple(s[2:]) for s in sights}], [1, {("5s", "notice", "1")}], f"{tell}: {sights}")
            return [s[0] for s in sights]

        for tell in (False, True):
            place.put("V2__index", BUILD)
            failed = place.refused("could not create unique index", tell_locks=tell)
            equal(seen(tell)[-1], "failed", "where it failed")
            waits = [(c["statement"], c["outcome"]) for c in failed["changes"] if "SET lock_timeout" in c["statement"]]
            equal(waits, [("SET lock_timeout TO 0", "applied"), ("SET lock_timeout TO 5000", "applied")], "there and back")
        place.put("V2__index", BUILD.replace("UNIQUE ", ""))
        place.migrate(tell_locks=True)
        equal([s for s in seen("whole") if s != "begun"], ["done", "told"], "where it went well")

        place.put("V3__full", "VACUUM FULL app.orders;")
        holder = place.session()
        holder.stdin.write("BEGIN; SELECT count(*) FROM app.orders;\n")
        holder.stdin.flush()
        holder.stdout.readline()
        failed = place.refused("lock timeout", "; app.orders is held by session", lock_timeout_ms=50, lock_tries=3)
        equal(seen("full")[-1], "failed", "what locks others out waits shortly")
        waits = [c["statement"] for c in failed["changes"] if "SET lock_timeout" in c["statement"]]
        equal(waits, ["SET lock_timeout TO 50", "SET lock_timeout TO 5000"] * 3, "each time")
        holder.communicate("COMMIT;\n")
        place.migrate()


def a_plan_does_not_stand_behind_a_lock(version):
    with Migrations(version, V1__orders=FIRST, V2__drop="DROP TABLE IF EXISTS app.orders;") as place:
        place.migrate(target_version="1")
        place.transport += "\nlock_timeout_ms = 200"
        place.write()
        holder = place.session()
        holder.stdin.write("BEGIN; LOCK TABLE app.orders; SELECT 1;\n")
        holder.stdin.flush()
        holder.stdout.readline()
        plan = place.migrate(plan=True, lock_timeout_ms=50)
        told = [f["evidence"]["at_risk"][0] for f in plan["result"]["findings"] if f["kind"] == "table-drop"]
        equal([(t["rows"], t["rows_not_counted"]) for t in told], [(None, "another session has the table locked")],
              "its rows nobody can count")
        equal([s["object"] for s in plan["result"]["skipped"]], ["V2__drop.sql"], "what else is left out")
        equal(plan["result"]["migrations"][0]["outcome"], "planned", "it is a plan all the same")
        place.refused("lock timeout", "tried 2 times in ", "; app.orders is held by session", lock_timeout_ms=50, lock_tries=2)
        holder.communicate("COMMIT;\n")
        equal(place.migrate()["result"]["applied"], 1, "afterwards")


def what_destroys_waits_and_is_executed_exactly_once(version):
    with Migrations(version, kind="production", V1__orders=FIRST,
                    V2__innocent="COMMENT ON TABLE app.orders IS 'nothing to see';\nDROP SCHEMA app CASCADE;",
                    V3__after="CREATE SCHEMA IF NOT EXISTS later;") as place:
        asked = place.migrate(check=3)
        equal(asked["status"], "pending_approval", "status")
        equal([(m["file"], m["outcome"]) for m in asked["result"]["migrations"]],
              [("V1__orders.sql", "applied"), ("V2__innocent.sql", "waiting")], "what became of each")
        equal([s["object"] for s in asked["result"]["skipped"]], ["V3__after.sql"], "what comes behind")
        equal(place.exists("app.orders"), True, "it stands")
        waiting = [a for a in place.approvals() if a["tool"] == TOOL]
        equal(len(waiting), 1, "approvals")
        text = json.dumps(waiting[0])
        for rule in ("schema-drop", "drop-cascade", "drop-without-if-exists"):
            contains(text, rule)
        place.approve(waiting[0]["id"])
        equal(place.exists("app.orders"), False, "it is gone")
        equal(place.ledger()[-1], "V2__innocent.sql|done|2|2", "the ledger")
        done = place.migrate()
        equal([m["file"] for m in done["result"]["migrations"]], ["V3__after.sql"], "the rest")
        told = next(e for e in done["events"] if e["type"] == "schema.migrated")
        equal(told["payload"]["migrations"], ["V2__innocent.sql", "V3__after.sql"], "what was approved is told of too")
        equal(place.migrate()["changes"], [], "nothing is left to do")
        holds(place.approve(waiting[0]["id"], check=None).returncode != 0, "a second approval")


USED = """
CREATE SCHEMA IF NOT EXISTS app;
CREATE TABLE IF NOT EXISTS app.orders (id bigint PRIMARY KEY, total numeric NOT NULL DEFAULT 0, note text);
CREATE TABLE IF NOT EXISTS app.lines (id bigint PRIMARY KEY,
                                      order_id bigint CONSTRAINT lines_order REFERENCES app.orders);
INSERT INTO app.orders (id) SELECT n FROM generate_series(1, 12) n ON CONFLICT DO NOTHING;
"""
USERS = """
CREATE VIEW app.totals AS SELECT sum(total) AS total FROM app.orders;
CREATE VIEW app.doubled AS SELECT total * 2 AS total FROM app.totals;
CREATE FUNCTION app.how_many() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM app.orders';
CREATE FUNCTION app.reordering() RETURNS text LANGUAGE sql AS 'SELECT ''preorders''::text';
CREATE POLICY mine ON app.orders USING (true);
CREATE PUBLICATION news FOR TABLE app.orders;
"""


def a_decision_holds_for_what_it_was_about(version):
    with Migrations(version, kind="production", V1__orders=USED, V2__drop="DROP TABLE IF EXISTS app.orders CASCADE;") as place:
        place.migrate(target_version="1")
        place.sql(USERS)
        place.until("SELECT n_tup_ins = 12 FROM pg_stat_user_tables WHERE relid = 'app.orders'::regclass")
        asked = place.migrate(check=3)
        loss = [f for f in asked["result"]["findings"] if f["kind"] == "table-drop"][0]["evidence"]["at_risk"]
        equal([(t["table"], t["rows"], t["rows_are_all"]) for t in loss], [("app.orders", 12, True)], "what would go")
        equal(loss[0]["used_by"], ["foreign key lines_order of app.lines", "function app.how_many()", "policy mine on app.orders",
                                   "publication news", "view app.doubled", "view app.totals"], "who uses it")
        equal({"writes", "writes_since_analyze", "analyzed_at", "rows_estimated"} - set(loss[0]), set(), "what is known of its use")
        equal(set(loss[0]["not_compared"]), {"reads", "last_read", "among_them"}, "what a look at it changes")
        waiting = place.approvals()
        contains(json.dumps(waiting), "foreign key lines_order of app.lines", "app.orders: 12 rows", "create_branch with --at")
        contains(waiting[0]["decision_why"], "destructive on")  # of all that waits with it the worst
        place.migrate(check=3)
        equal([a["id"] for a in place.approvals()], [waiting[0]["id"]], "the same, asked again, is the same request")

        place.sql("INSERT INTO app.orders (id) VALUES (13)")
        said = place.approve(waiting[0]["id"], check=None)
        holds(said.returncode != 0, "what was decided on is not what would be lost")
        contains(said.stdout + said.stderr, "what would be lost is not what was decided on",
                 "it was: app.orders: 12 rows; it is now: app.orders: 13 rows")
        equal(place.exists("app.orders"), True, "nothing was done")
        place.migrate(check=3)
        anew = [a for a in place.approvals() if a["status"] == "pending"]
        equal(len(anew), 1, "a person is asked anew")
        place.sql("CREATE FUNCTION app.newest() RETURNS bigint LANGUAGE sql AS 'SELECT max(id) FROM app.orders'")
        contains(place.approve(anew[0]["id"], check=None).stdout, "function app.newest()")
        place.migrate(check=3)
        place.approve([a for a in place.approvals() if a["status"] == "pending"][0]["id"])
        equal([place.exists(n) for n in ("app.orders", "app.totals", "app.lines")], [False, False, True], "as it was decided")
        place.migrate()
        equal(place.migrate()["changes"], [], "nothing is left to do")


def what_writes_over_all_rows_is_held_to_their_number(version):
    with Migrations(version, kind="production", V1__orders=USED, V2__wipe="UPDATE app.orders SET id = id + 100;") as place:
        place.migrate(target_version="1")
        place.migrate(check=3)
        place.sql("INSERT INTO app.orders (id) VALUES (13)")
        said = place.approve([a for a in place.approvals() if a["status"] == "pending"][0]["id"], check=None)
        contains(said.stdout + said.stderr, "it is now: app.orders: 13 rows")
        equal(place.sql("SELECT max(id) FROM app.orders"), "13", "nothing was done")


def a_table_that_stays_may_grow_meanwhile(version):
    with Migrations(version, kind="production", V1__orders=USED,
                    V2__column="ALTER TABLE app.orders DROP COLUMN IF EXISTS note;") as place:
        place.migrate(check=3)
        request = place.approvals()[0]
        contains(json.dumps(request), "app.orders: at least 10 rows")
        place.sql("INSERT INTO app.orders (id) VALUES (13)")
        place.approve(request["id"])
        equal(place.sql("SELECT count(*) FROM pg_attribute WHERE attrelid = 'app.orders'::regclass AND attname = 'note'"), "0",
              "others were at work on it, and the column goes all the same")
        place.put("V3__empty", "DO $$ BEGIN TRUNCATE app.lines; END $$;")
        place.migrate(check=3)
        empty = [a for a in place.approvals() if a["status"] == "pending"][0]
        contains(json.dumps(empty), "app.lines: 0 rows")
        place.sql("INSERT INTO app.lines (id) VALUES (1)")
        contains(place.approve(empty["id"], check=None).stdout, "what would be lost is not what was decided on")
        equal(place.sql("SELECT count(*) FROM app.lines"), "1", "an empty table is not what it was")
        place.put("V3__empty", "DELETE FROM app.orders;")
        place.sql("DELETE FROM app.lines")
        place.until("SELECT n_tup_ins = 13 FROM pg_stat_user_tables WHERE relid = 'app.orders'::regclass")
        place.migrate(check=3)
        rest = [a for a in place.approvals() if a["status"] == "pending"][0]
        contains(json.dumps(rest), "app.orders: 13 rows")
        place.cli("deny", rest["id"], "--as", "anna", "--because", "they are read", check=0)
        place.sql("SELECT count(*) FROM app.orders; SELECT pg_stat_force_next_flush(); SELECT count(*) FROM app.orders;")
        place.migrate(check=None)
        equal([a for a in place.approvals() if a["status"] == "pending"], [], "that somebody reads it is no news")


def what_was_approved_does_not_need_a_second_approval_for_a_reader(version):
    with Migrations(version, kind="production", V1__orders=FIRST, V2__drop="DROP TABLE IF EXISTS app.orders;") as place:
        place.migrate(check=3, lock_timeout_ms=60000)  # longer than it takes to see it wait
        holder = place.session()
        holder.stdin.write("BEGIN; SELECT count(*) FROM app.orders;\n")
        holder.stdin.flush()
        holder.stdout.readline()
        approving = subprocess.Popen([PROGRAM, "-m", str(place.manifest), "approve", place.approvals()[0]["id"], "--as",
                                      "anna", "--because", "nobody reads it"], stdout=subprocess.PIPE,
                                     stderr=subprocess.STDOUT, text=True)
        place.until("SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query ~ 'DROP TABLE' "
                    "AND datname = current_database()")
        holder.communicate("COMMIT;\n")
        said = approving.communicate()[0]
        equal((approving.returncode, place.exists("app.orders")), (0, False), said)


def destruction_in_parts_is_refused(version):
    with Migrations(version, V1__orders=FIRST, V2__mixed="DROP TABLE IF EXISTS app.orders;\nVACUUM;") as place:
        document = place.refused("destructive-in-parts")
        holds("table-drop" in rules(document), "the rule is told as well")
        equal(place.exists("app.orders"), False, "nothing was applied")


def a_branch_that_is_taken_in_the_middle_goes_on_by_itself():
    """What its source had begun is in its ledger, and in its catalogue; the lock of the one who is at it is not."""
    with Local(VERSIONS[-1], targets=(("production", "throwaway"), ("*", "throwaway"))) as place:
        (place.dir / "files").mkdir()
        (place.dir / "files" / "V1__orders.sql").write_text(FIRST)
        place.run(TOOL, dir="files")
        (place.dir / "files" / "V2__index.sql").write_text(BUILD)
        reader = place.session()
        reader.stdin.write("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM app.orders;\n")
        reader.stdin.flush()
        equal(reader.stdout.readline(), "0\n", "an old snapshot, which the build waits for")
        running = place.start("run", TOOL, "--branch", "production", "--dir", str(place.dir / "files"))
        until(lambda: place.sql("SELECT count(*) > 0 FROM pg_stat_progress_create_index WHERE phase ~ 'waiting'") == "t")
        place.cli("target", "create", "dev-1", "--ttl", "1h", check=0)
        ledger = "SELECT string_agg(state, ',' ORDER BY id) FROM lbops_migration.ledger WHERE version = '2'"
        equal([place.sql(ledger, branch=b) for b in ("production", "dev-1")], ["begun", "begun"], "it has come along")
        equal(place.sql(INVALID, branch="dev-1"), "1", "with what there is of the index")
        contains(place.run(TOOL, check=1, dir="files", lock_wait_s=0)["error"]["message"], "migrations are being applied by session")
        done = place.run(TOOL, branch="dev-1", dir="files")
        equal([done["result"]["version"], place.sql(ledger, branch="dev-1"), place.sql(VALID, branch="dev-1")],
              ["2", "begun,done", "t"], "the branch takes it up")
        equal(place.run(TOOL, branch="dev-1", dir="files")["changes"], [], "and is done with it")
        equal(place.sql(ledger), "begun", "its source is still at it")
        reader.communicate("ROLLBACK;\n")
        equal([running.wait(), place.sql(ledger), place.sql(VALID)], [0, "begun,done", "t"], "and ends as it began")


suite(*each_version(what_was_killed_in_a_transaction_is_done_again, what_was_killed_in_a_build_goes_on_there,
                    a_build_on_duplicates_leaves_nothing_behind,
                    what_is_left_of_a_file_can_be_corrected, on_production_a_person_is_asked_to_drop_what_failed, an_index_of_others_is_not_dropped, an_index_with_another_definition_is_not_the_one_that_is_wanted,
                    two_runners_apply_once, a_held_lock_is_tried_for_and_blocks_nobody,
                    what_is_set_outside_of_a_transaction_is_set_back, a_plan_does_not_stand_behind_a_lock, what_destroys_waits_and_is_executed_exactly_once, a_decision_holds_for_what_it_was_about, what_writes_over_all_rows_is_held_to_their_number,
                    a_table_that_stays_may_grow_meanwhile,
                    what_was_approved_does_not_need_a_second_approval_for_a_reader, destruction_in_parts_is_refused),
      a_branch_that_is_taken_in_the_middle_goes_on_by_itself)
