"""apply_schema_migration when something is in the way: a kill, another runner, a held lock, a build that fails, a person
who has to be asked. The database is looked at afterwards."""

import json
import subprocess

from migrating import FIRST, PROGRAM, TOOL, Migrations, kill, rules
from place import contains, each_version, equal, holds, suite

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


def a_held_lock_is_tried_for_and_blocks_nobody(version):
    with Migrations(version, V1__orders=FIRST) as place:
        place.migrate()
        place.put("V2__column", "ALTER TABLE app.orders ADD COLUMN IF NOT EXISTS a int;")
        holder = place.session()
        holder.stdin.write("BEGIN; SELECT count(*) FROM app.orders;\n")
        holder.stdin.flush()
        holder.stdout.readline()
        place.refused("lock timeout", "tried 3 times; app.orders is held by session", lock_timeout_ms=50, lock_tries=3)
        running = place.start(lock_timeout_ms=1000, lock_tries=50)
        place.until("SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query ~ 'ADD COLUMN' "
                    "AND datname = current_database()")
        equal(place.sql("SET lock_timeout = '5s'; SELECT count(*) FROM app.orders"), "0", "a reader gets through")
        holder.communicate("COMMIT;\n")
        document = json.loads(running.communicate()[0])
        equal((document["status"], document["result"]["version"]), ("ok", "2"), "it went through in the end")


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


def what_was_approved_does_not_need_a_second_approval_for_a_reader(version):
    with Migrations(version, kind="production", V1__orders=FIRST, V2__drop="DROP TABLE IF EXISTS app.orders;") as place:
        place.migrate(check=3, lock_timeout_ms=2000)
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


suite(*each_version(what_was_killed_in_a_transaction_is_done_again, what_was_killed_in_a_build_goes_on_there,
                    a_build_on_duplicates_leaves_nothing_behind,
                    what_is_left_of_a_file_can_be_corrected, on_production_a_person_is_asked_to_drop_what_failed, an_index_of_others_is_not_dropped,
                    two_runners_apply_once, a_held_lock_is_tried_for_and_blocks_nobody,
                    what_destroys_waits_and_is_executed_exactly_once,
                    what_was_approved_does_not_need_a_second_approval_for_a_reader, destruction_in_parts_is_refused))
