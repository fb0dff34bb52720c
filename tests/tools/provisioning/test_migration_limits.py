"""For how long apply_schema_migration lets statements go on: by the size of their tables, for hours where nobody is kept
out, and never beyond the run. The database is looked at while it happens, and afterwards."""

import contextlib
import re
import socket
import threading
import urllib.parse

from migrating import FIRST, Migrations
from place import each_version, equal, holds, suite

ROWS = "INSERT INTO app.orders SELECT i, i FROM generate_series(1, 100) i; ANALYZE app.orders;"
SLOW = "CREATE OR REPLACE FUNCTION app.slow(n numeric) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS " \
       "$$ BEGIN PERFORM pg_sleep(600); RETURN true; END $$;"
VALIDATE = "ALTER TABLE app.orders VALIDATE CONSTRAINT slow;"
BUILD = "CREATE INDEX CONCURRENTLY IF NOT EXISTS orders_slow ON app.orders (app.slow(total));"


def limits(document):
    """The limits that a plan names, in seconds, each file's."""
    found = {}
    for change in document["changes"]:
        match = re.search(r"SET (?:LOCAL )?statement_timeout TO (\d+)", change["statement"])
        if match and change["group"].startswith("apply "):
            found.setdefault(re.search(r"V\d+", change["group"])[0], []).append(int(match[1]) / 1000)
    return found


def slow_to_check(version):
    place = Migrations(version, V1__orders=FIRST)
    place.migrate()
    place.sql(ROWS + SLOW + "ALTER TABLE app.orders ADD CONSTRAINT slow CHECK (app.slow(total)) NOT VALID")
    return place


def a_validation_that_takes_too_long_ends(version):
    with slow_to_check(version) as place:
        place.put("V2__valid", VALIDATE)
        error = place.refused("statement timeout", "data_timeout_s", "it had 1.5 s)", data_timeout_s=1)["error"]
        equal([error["code"], error["sqlstate"]], ["timeout", "57014"], "code")
        equal(place.ledger()[-1], "V2__valid.sql|failed|1|1", "it is noted")
        equal(place.sql("SELECT convalidated FROM pg_constraint WHERE conname = 'slow'"), "f", "nothing is half done")
        place.sql("CREATE OR REPLACE FUNCTION app.slow(n numeric) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true'")
        equal(place.migrate()["result"]["applied"], 1, "and can be done again")
        equal(place.sql("SELECT convalidated FROM pg_constraint WHERE conname = 'slow'"), "t", "valid")


def rows_that_take_too_long_to_change_stay(version):
    with slow_to_check(version) as place:
        place.put("V2__rows", "UPDATE app.orders SET total = 0 WHERE total = 7 AND app.slow(id);")
        error = place.refused("statement timeout", "data_timeout_s", data_timeout_s=1)["error"]
        equal(error["code"], "timeout", "code")
        equal(place.sql("SELECT count(*) FROM app.orders WHERE total = 7"), "1", "as before")


def a_build_that_takes_too_long_leaves_nothing(version):
    with slow_to_check(version) as place:
        place.put("V2__index", BUILD)
        error = place.refused("statement timeout", "build_timeout_s", build_timeout_s=1)["error"]
        equal([error["code"], error["sqlstate"]], ["timeout", "57014"], "code")
        equal(place.sql("SELECT count(*) FROM pg_index WHERE NOT indisvalid"), "0", "the invalid index is gone")
        equal(place.ledger()[-1], "V2__index.sql|failed|1|1", "it is noted")
        place.sql("CREATE OR REPLACE FUNCTION app.slow(n numeric) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true'")
        place.put("V3__seen", "CREATE TABLE app.seen AS SELECT s.setting FROM pg_settings s WHERE s.name = 'statement_timeout';"
                  .replace("TABLE", "TABLE IF NOT EXISTS"))
        done = place.migrate(build_timeout_s=600, data_timeout_s=0)
        equal(done["result"]["applied"], 2, "with more time it is built")
        equal(limits(done), {"V2": [600.0, int(place.sql("SELECT setting FROM app.seen")) / 1000]},
              "and the session is as it was before")


def what_a_table_holds_decides(version):
    with Migrations(version, V1__orders=FIRST) as place:
        place.migrate()
        place.sql("INSERT INTO app.orders SELECT i, i FROM generate_series(1, 100) i; ANALYZE app.orders;"
                  "ALTER TABLE app.orders ADD CONSTRAINT c CHECK (total >= 0) NOT VALID;"
                  "CREATE TABLE app.parts (id int) PARTITION BY RANGE (id); CREATE VIEW app.seen AS SELECT * FROM app.orders;"
                  "CREATE TABLE app.part PARTITION OF app.parts DEFAULT WITH (autovacuum_enabled = false);"
                  "INSERT INTO app.part SELECT i % 10 FROM generate_series(1, 300000) i; ANALYZE app.part;")
        holds(int(place.sql("SELECT relpages FROM pg_class WHERE oid = 'app.part'::regclass")) > 1100, "some megabytes")
        place.put("V2__valid", "ALTER TABLE app.orders VALIDATE CONSTRAINT c;")
        place.put("V3__parts", "DELETE FROM app.parts WHERE id = 7;")
        place.put("V4__from", "INSERT INTO app.orders SELECT id, 1 FROM app.parts ON CONFLICT DO NOTHING;")
        place.put("V5__view", "INSERT INTO app.orders SELECT id, 1 FROM app.seen ON CONFLICT DO NOTHING;")
        place.put("V6__index", "CREATE INDEX CONCURRENTLY IF NOT EXISTS orders_total ON app.orders (total);")
        place.put("V7__call", "SELECT count(*) FROM app.orders;")
        found = limits(place.migrate(plan=True))
        session = found["V6"].pop()
        equal(found, {"V2": [60.5], "V3": [120.5], "V4": [120.5], "V5": [14400.5], "V6": [14400.0]}, "by their size")
        holds(session > 21600, "the session's own")
        place.sql("UPDATE pg_class SET relpages = 100000 WHERE oid = 'app.part'::regclass")
        equal({k: v for k, v in limits(place.migrate(plan=True)).items() if k in ("V2", "V3", "V4")},
              {"V2": [60.5], "V3": [480.5], "V4": [480.5]}, "as it grows, with what stands in partitions")
        equal(limits(place.migrate(plan=True, data_timeout_s=7, build_timeout_s=0)),
              {f"V{i}": [7.5] for i in (2, 3, 4, 5)}, "or as somebody says")


def what_goes_along_by_its_keys_counts(version):
    """Not what only references: nothing of it changes."""
    with Migrations(version, V1__orders=FIRST) as place:
        place.migrate()
        place.sql("CREATE TABLE app.lines (id bigint PRIMARY KEY, of bigint REFERENCES app.orders ON DELETE CASCADE, "
                  "part_of bigint REFERENCES app.lines ON DELETE CASCADE);"
                  "CREATE TABLE app.notes (id bigint PRIMARY KEY, line bigint REFERENCES app.lines ON DELETE SET NULL) "
                  "PARTITION BY RANGE (id); CREATE TABLE app.more PARTITION OF app.notes DEFAULT;"
                  "CREATE TABLE app.marks (note bigint REFERENCES app.notes ON DELETE CASCADE);"
                  "CREATE TABLE app.bills (of bigint REFERENCES app.orders); CREATE TABLE app.log (id bigint PRIMARY KEY);"
                  "ALTER TABLE app.orders SET (autovacuum_enabled = false); ALTER TABLE app.lines SET (autovacuum_enabled = false);"
                  "ALTER TABLE app.more SET (autovacuum_enabled = false); ANALYZE;"
                  "UPDATE pg_class SET relpages = 100000 WHERE oid IN ('app.lines'::regclass, 'app.more'::regclass);"
                  "UPDATE pg_class SET relpages = 4000000 WHERE oid IN ('app.marks'::regclass, 'app.bills'::regclass)")
        place.put("V2__goes", "DELETE FROM app.orders WHERE id = 7;")
        place.put("V3__stays", "UPDATE app.orders SET total = 0 WHERE id = 7;")
        place.put("V4__inside", "WITH gone AS (DELETE FROM app.orders WHERE id = 8 RETURNING id) "
                                "INSERT INTO app.log SELECT g.id FROM gone g ON CONFLICT DO NOTHING;")
        place.put("V5__merged", "MERGE INTO app.orders o USING app.log l ON l.id = o.id WHEN MATCHED THEN DELETE;")
        place.put("V6__last", "DELETE FROM app.lines WHERE id = 7;")
        place.put("V7__no_more", "DELETE FROM app.log WHERE id = 7;")
        equal(limits(place.migrate(plan=True)),
              {"V2": [960.5], "V3": [60.5], "V4": [960.5], "V5": [960.5], "V6": [960.5], "V7": [60.5]}, "by all that changes")
        place.sql("ALTER TABLE app.notes DROP CONSTRAINT notes_line_fkey")
        equal(limits(place.migrate(plan=True))["V2"], [480.5], "and as the keys are")


def no_limit_is_beyond_the_run(version):
    with slow_to_check(version) as place:
        place.put("V2__index", BUILD)
        found = limits(place.migrate(plan=True, timeout=600))["V2"]
        holds(0 < found[0] < 571, f"half a minute stays to clean up: {found}")
        place.refused("statement timeout", "the run has no more time: give the tool a larger timeout_s", timeout=33)
        equal(place.sql("SELECT count(*) FROM pg_index WHERE NOT indisvalid"), "0", "the invalid index is gone")


def a_transaction_has_an_end(version):
    with Migrations(version, V1__orders=FIRST) as place:
        texts = [c["statement"] for c in place.migrate(plan=True)["changes"] if "transaction_timeout TO" in c["statement"]]
        equal(texts, ["SET LOCAL transaction_timeout TO 28800000"] if version >= 17 else [], "longer than the run")
        place.migrate()
        if version < 17:
            return
        place.put("V2__slow", "CREATE TABLE IF NOT EXISTS app.more (id int);\nSELECT pg_sleep(600);")
        place.at_server(f"ALTER DATABASE {place.database} SET transaction_timeout TO '5s'")  # shorter than what is set later
        error = place.refused("transaction timeout", "raise the transaction_timeout that holds there")["error"]
        place.at_server(f"ALTER DATABASE {place.database} RESET transaction_timeout")
        equal([error["code"], error["sqlstate"]], ["timeout", "25P04"], "code")
        equal(place.exists("app.more"), False, "nothing is left of it")
        place.put("V2__slow", "CREATE TABLE IF NOT EXISTS app.more (id int);")
        equal(place.migrate()["result"]["version"], "2", "and can be done again")


class Pooler:
    """Stands before a server and keeps one setting to itself: what a client says is passed on with another name in it."""

    def __init__(self, server, swallowed):
        at = urllib.parse.urlsplit(server)
        self.server, self.swallowed = (at.hostname, at.port), swallowed.encode()
        self.instead = swallowed.replace("statement_timeout", "lb_pooler.swallow").encode()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = at._replace(netloc=f"{at.username}@127.0.0.1:{self.listener.getsockname()[1]}").geturl()

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                server = socket.create_connection(self.server)
                for words in ((client, server, True), (server, client, False)):
                    threading.Thread(target=self.pass_on, args=words, daemon=True).start()

    def pass_on(self, source, into, is_client):
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                into.sendall(data.replace(self.swallowed, self.instead) if is_client else data)
        for end in (source, into):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def __enter__(self):
        threading.Thread(target=self.serve, daemon=True).start()
        return self

    def __exit__(self, kind, value, trace):
        self.listener.close()


def what_a_pooler_keeps_to_itself_is_an_error(version):
    with Migrations(version, V1__orders=FIRST) as place:
        place.migrate()
        place.put("V2__valid", "UPDATE app.orders SET total = 0 WHERE total = 1;")
        place.put("V3__index", "CREATE INDEX CONCURRENTLY IF NOT EXISTS orders_total ON app.orders (total);")
        for swallowed in ("SET LOCAL statement_timeout TO", "SET statement_timeout TO 14400000"):
            with Pooler(place.server, swallowed) as pooler:
                failed = place.refused("the server has not taken the limits: statement_timeout is", "a pooler",
                                       env={f"LBOPS_TEST_PG{version}": pooler.url})
            equal(failed["error"]["sqlstate"], "LB004", "code")
            part = failed["result"]["parts"][-1]
            equal([part["failed"], part["statement_timeout_ms"]], [True, None], "nobody knows what held")
            equal(place.exists("app.orders_total"), False, "nothing is done without its limit")
            place.migrate(target_version="2")
        done = place.migrate()
        equal([(p["statement_timeout_ms"], p["lock_timeout_ms"]) for p in done["result"]["parts"]], [(14400000, 0)],
              "what held, as it was read back")


suite(*each_version(a_validation_that_takes_too_long_ends, rows_that_take_too_long_to_change_stay,
                    a_build_that_takes_too_long_leaves_nothing, what_a_table_holds_decides,
                    what_goes_along_by_its_keys_counts, no_limit_is_beyond_the_run,
                    a_transaction_has_an_end, what_a_pooler_keeps_to_itself_is_an_error))
