"""apply_schema_migration behind those whom no limit keeps it from waiting for: a vacuum, and another change of the table
that is to be validated."""

import json

from migrating import FIRST, Migrations
from place import each_version, equal, suite

CHECK = ("ALTER TABLE app.orders DROP CONSTRAINT IF EXISTS positive;\n"
         "ALTER TABLE app.orders ADD CONSTRAINT positive CHECK (total >= 0) NOT VALID;")
VALIDATE = "ALTER TABLE app.orders VALIDATE CONSTRAINT positive;"
VALID = "SELECT convalidated FROM pg_constraint WHERE conname = 'positive'"


def told(document, *kinds):
    return [(f["object"], f["evidence"]["file"], f["evidence"]["what"]) for f in document["result"]["findings"]
            if f["kind"] == "in-the-way" and f["evidence"]["what"] in kinds]


def other(place, statements):
    """A session, with what findings call it."""
    session = place.session()
    session.stdin.write(f"SET application_name = 'other'; SELECT pg_backend_pid(); {statements};\n")
    session.stdin.flush()
    return session, f"session {session.stdout.readline().strip()} (other)"


def a_running_vacuum_is_told_of(version):
    """One that takes its time: a page, and then a rest."""
    with Migrations(version, V1__orders=FIRST, V2__check=CHECK) as place:
        place.migrate()
        place.sql("INSERT INTO app.orders SELECT n, n FROM generate_series(1, 200000) n; CREATE TABLE app.idle (id int)")
        place.put("V3__valid", VALIDATE)
        place.put("V4__index", "CREATE INDEX CONCURRENTLY IF NOT EXISTS orders_total ON app.orders (total);")
        place.put("V5__other", "CREATE INDEX CONCURRENTLY IF NOT EXISTS idle_id ON app.idle (id);")
        session, who = other(place, "SET vacuum_cost_delay = 100; SET vacuum_cost_limit = 1; VACUUM app.orders")
        place.until("SELECT count(*) = 1 FROM pg_stat_progress_vacuum WHERE relid = 'app.orders'::regclass")
        equal(told(place.migrate(plan=True), "vacuum", "change of the table"),
              [(who, "V3__valid.sql", "vacuum"), (who, "V4__index.sql", "vacuum")], "once for each that waits for it, and as what it is")
        place.sql("SELECT pg_cancel_backend(pid) FROM pg_stat_progress_vacuum WHERE relid = 'app.orders'::regclass")
        session.communicate("\\q\n")
        equal(told(place.migrate(plan=True), "vacuum"), [], "it is over")


def what_is_validated_waits_behind_another_change(version):
    with Migrations(version, V1__orders=FIRST, V2__check=CHECK) as place:
        place.migrate()
        place.put("V3__valid", VALIDATE)
        session, who = other(place, "BEGIN; LOCK TABLE app.orders IN SHARE UPDATE EXCLUSIVE MODE; SELECT 'locked'")
        equal(session.stdout.readline(), "locked\n", "somebody changes the table")
        running = place.start()
        place.until("SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query ~ 'VALIDATE' "
                    "AND datname = current_database()")
        session.communicate("ROLLBACK;\n")
        done = json.loads(running.communicate()[0])
        equal(told(done, "change of the table", "idle in transaction", "transaction"), [(who, "V3__valid.sql", "change of the table")],
              "who had it, and no word of transactions, which validation does not wait for")
        equal((done["status"], place.sql(VALID)), ("ok", "t"), "it is valid")


suite(*each_version(a_running_vacuum_is_told_of, what_is_validated_waits_behind_another_change))
