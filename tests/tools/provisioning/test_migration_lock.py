"""The lock of the one who applies migrations: its session dies, and another runner comes. The database is looked at
afterwards."""

import json
import os
import signal

from migrating import FIRST, TOOL, Migrations
from place import contains, each_version, equal, suite

BUILD = "CREATE INDEX CONCURRENTLY IF NOT EXISTS orders_total ON app.orders (total);"
HOLDER = ("(SELECT l.pid FROM pg_locks l JOIN pg_database d ON d.oid = l.database WHERE l.locktype = 'advisory' AND l.granted "
          "AND d.datname = current_database())")
WAITS_FOR_SNAPSHOT = ("SELECT count(*) = 1 FROM pg_stat_progress_create_index WHERE datname = current_database() "
                      "AND phase = 'waiting for old snapshots'")


def reading(place, isolation="REPEATABLE READ"):
    """A session in a transaction that has read the table."""
    reader = place.session()
    reader.stdin.write(f"BEGIN ISOLATION LEVEL {isolation}; SELECT 'read' FROM (SELECT count(*) FROM app.orders) c;\n")
    reader.stdin.flush()
    equal(reader.stdout.readline(), "read\n", "somebody reads")
    return reader


def ended_with_its_session(place, running):
    """Ends the session that has the lock. Gives the run's error, once nobody has the lock any more."""
    equal(place.sql(f"SELECT pg_terminate_backend({HOLDER})"), "t", "its session is ended")
    place.until(f"SELECT {HOLDER} IS NULL")
    os.killpg(running.pid, signal.SIGCONT)  # for who was halted
    document = json.loads(running.communicate()[0])
    equal((document["status"], document["error"]["code"]), ("failed", "unreachable"), "it is said")
    contains(document["error"]["message"], "terminating connection")
    return document


def halted(place, running, while_so):
    """The run, in a moment in which that is so: it ends by itself, however quickly one looks."""
    place.until(while_so)
    os.killpg(running.pid, signal.SIGSTOP)
    while place.sql(while_so) != "t":
        os.killpg(running.pid, signal.SIGCONT)
        place.until(while_so)
        os.killpg(running.pid, signal.SIGSTOP)
    return running


def what_was_in_a_transaction_is_gone_with_the_session(version):
    with Migrations(version, V1__orders=FIRST, V2__slow="ALTER TABLE app.orders ADD COLUMN IF NOT EXISTS a int;\n"
                                                       "SELECT pg_sleep(60);", V3__more="CREATE SCHEMA IF NOT EXISTS more;") as place:
        running = place.start()
        place.until("SELECT count(*) = 1 FROM pg_stat_activity WHERE query ~ '^SELECT pg_sleep' AND state = 'active' "
                    "AND datname = current_database()")
        document = ended_with_its_session(place, running)
        contains(document["error"]["message"], "V2__slow.sql: statement 2 (line 2, column 1)")
        equal(place.ledger(), ["V1__orders.sql|done|2|2"], "of the second file there is nothing")
        equal(place.sql("SELECT count(*) FROM pg_attribute WHERE attrelid = 'app.orders'::regclass AND attname = 'a'"), "0",
              "nor in the table")
        place.put("V2__slow", "ALTER TABLE app.orders ADD COLUMN IF NOT EXISTS a int;\nSELECT pg_sleep(0);")
        equal(place.migrate()["result"]["applied"], 2, "the next run does the rest")


def a_build_that_loses_its_session_is_finished_by_the_next_run(version):
    with Migrations(version, V1__orders=FIRST, V2__index=BUILD) as place:
        place.migrate(target_version="1")
        reader = reading(place)
        running = place.start()
        place.until(WAITS_FOR_SNAPSHOT)
        ended_with_its_session(place, running)
        reader.communicate("ROLLBACK;\n")
        equal(place.ledger()[1:], ["V2__index.sql|begun|1|1"], "it is known that it was begun")
        equal(place.sql("SELECT indisvalid FROM pg_index WHERE indexrelid = 'app.orders_total'::regclass"), "f", "what is left")
        equal(place.migrate()["result"]["applied"], 1, "the next run")
        equal(place.sql("SELECT indisvalid FROM pg_index WHERE indexrelid = 'app.orders_total'::regclass"), "t", "it is whole")


def a_session_that_dies_between_two_tries_ends_the_run(version):
    """It idles then, and nothing says that it is gone before the next look at the lock."""
    with Migrations(version, V1__orders=FIRST, V2__column="ALTER TABLE app.orders ADD COLUMN IF NOT EXISTS a int;") as place:
        place.migrate(target_version="1")
        reader = reading(place)
        running = place.start(lock_timeout_ms=10, lock_pause_ms=60000)
        ended_with_its_session(place, halted(place, running, "SELECT count(*) = 1 FROM pg_stat_activity "
                                             f"WHERE pid = {HOLDER} AND state = 'idle' AND clock_timestamp() - state_change > '1 second'"))
        reader.communicate("ROLLBACK;\n")
        equal(place.ledger(), ["V1__orders.sql|done|2|2"], "nothing was done without the lock")
        equal(place.migrate()["result"]["applied"], 1, "the next run")


def a_runner_that_waits_holds_no_build_up(version):
    """A build waits for every snapshot that is older than it: somebody who waited for the lock with one would wait for the
    build, and the build for him."""
    with Migrations(version, V1__orders=FIRST, V2__index=BUILD) as place:
        place.migrate(target_version="1")
        reader = reading(place)
        first = place.start()
        place.until(WAITS_FOR_SNAPSHOT)
        second = place.start()
        place.until("SELECT count(*) = 1 FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle' "
                    f"AND application_name = 'lbops/{TOOL}' AND pid <> {HOLDER} AND query ~ 'advisory' AND backend_xmin IS NULL")
        reader.communicate("ROLLBACK;\n")
        documents = [json.loads(p.communicate()[0]) for p in (first, second)]
        equal([(d["status"], d["result"]["applied"]) for d in documents], [("ok", 1), ("ok", 0)], "one builds, and the other waits")
        equal(place.sql("SELECT indisvalid FROM pg_index WHERE indexrelid = 'app.orders_total'::regclass"), "t", "it is whole")
        equal([row for row in place.ledger() if row.startswith("V2")], ["V2__index.sql|begun|1|1", "V2__index.sql|done|1|1"], "once")


suite(*each_version(what_was_in_a_transaction_is_gone_with_the_session,
                    a_build_that_loses_its_session_is_finished_by_the_next_run,
                    a_session_that_dies_between_two_tries_ends_the_run, a_runner_that_waits_holds_no_build_up))
