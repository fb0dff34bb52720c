"""Checks of copies while both sides are written to, and what is different all the same."""
import contextlib

from place import Given, contains, each_version, equal, holds, suite
from sync_place import copy, detail_of, events_of, one, same

TOOL = "validate_sync_integrity"
COPY = "copied.copy.orders"  # a table of this database under another name: its catalog is the database

# Ids up to 400 are written to. The odd ones are changed on both sides at one moment, without a new time, so that only
# who reads one side after the other sees a difference; the even ones are synced a little later, as copies are.
TABLES = """CREATE SCHEMA copy;
CREATE TABLE orders (id int PRIMARY KEY, t text, updated_at timestamptz);
INSERT INTO orders SELECT i, 't' || i, '2026-01-01'::timestamptz + i * interval '1 second' FROM generate_series(1, 20000) AS i;
CREATE TABLE copy.orders AS SELECT * FROM orders;
CREATE INDEX ON copy.orders (id);
CREATE TABLE ends (at timestamptz);
CREATE PROCEDURE write() LANGUAGE plpgsql AS $$
DECLARE n int := 0;
BEGIN
  WHILE NOT EXISTS (SELECT FROM ends) LOOP
    n := n + 1;
    UPDATE orders SET t = 'w' || n WHERE id % 2 = 1 AND id <= 400 AND id % 25 = n % 25;
    UPDATE copy.orders SET t = 'w' || n WHERE id % 2 = 1 AND id <= 400 AND id % 25 = n % 25;
    DELETE FROM orders WHERE id = 30000 + n;
    DELETE FROM copy.orders WHERE id = 30000 + n;
    INSERT INTO orders VALUES (30001 + n, 'new', '2026-01-01');
    INSERT INTO copy.orders VALUES (30001 + n, 'new', '2026-01-01');
    COMMIT;
    UPDATE orders SET t = 'l' || n, updated_at = clock_timestamp() WHERE id % 2 = 0 AND id <= 400 AND id <> 200 AND id % 20 = (2 * n) % 20;
    COMMIT;
    PERFORM pg_sleep(0.005);
  END LOOP;
END $$;
CREATE PROCEDURE sync() LANGUAGE plpgsql AS $$
BEGIN
  WHILE NOT EXISTS (SELECT FROM ends) LOOP
    UPDATE copy.orders c SET t = o.t, updated_at = o.updated_at FROM orders o
     WHERE o.id = c.id AND o.id % 2 = 0 AND o.id <= 400 AND o.updated_at > c.updated_at;
    COMMIT;
    PERFORM pg_sleep(0.02);
  END LOOP;
END $$;
"""


@contextlib.contextmanager
def moving(version):
    """Both sides are written to until it ends."""
    with Given(version) as given:
        given.write(f'[services.delta]\nplugin = "delta_local"\ncatalogs = ["copied={given.url()}"]\n')
        given.sql(TABLES)
        with contextlib.ExitStack() as stack:
            sessions = [stack.enter_context(given.session()) for _ in range(2)]
            for session, what in zip(sessions, ("write", "sync")):
                session.stdin.write(f"SET synchronous_commit = off; CALL {what}();\n")
                session.stdin.close()
            try:
                yield given
            finally:
                given.sql("INSERT INTO ends VALUES (now())")
                said = [session.stdout.read() for session in sessions]
            equal(said, ["", ""], "the writers came to no harm")


def check(given, tool=TOOL, **params):
    return given.run(tool, source_table="orders", target_delta_table=COPY, grace_s=0, **params)


def what_moves_is_no_drift_and_what_differs_is(version):
    with moving(version) as given:
        met = 0
        for i in range(20):
            tool = TOOL if i % 2 else "run_full_sync_validation"
            document = check(given, tool, scope="full" if i % 4 < 2 else "auto")
            result, detail = document["result"], detail_of(document["result"])
            same(result, "waiting" if detail["undecided"] else "healthy")
            equal((result["issues"], events_of(document), result.get("findings", [])), (0, [], []), f"check {i}: no drift")
            met += detail["moved_meanwhile"]
        holds(met, "the checks met rows that moved")
        given.sql("UPDATE copy.orders SET t = 'drift' WHERE id IN (200, 15000); DELETE FROM copy.orders WHERE id = 16000")
        detail = detail_of(check(given, scope="full")["result"])
        equal((dict(zip(detail["different_keys"], detail["different_columns"])), detail["missing_keys"], detail["extra"]),
              ({"200": "t", "15000": "t"}, ["16000"], 0), "drift, among what moves as well")


LINES = """CREATE TABLE orders (id int PRIMARY KEY, t text, updated_at timestamptz);
INSERT INTO orders SELECT i, 't' || i, '2026-01-01'::timestamptz + i * interval '1 minute' FROM generate_series(1, 50) AS i;
"""
SMALL = {"id": "integer", "t": "text", "updated_at": "timestamp with time zone"}


def synced(given, first):
    """A row of this moment, and the copy has it."""
    given.sql(f"INSERT INTO orders VALUES ({first}, 'more', clock_timestamp())")
    copy(given, key=f"from-{first}", first=first, columns=SMALL)


def both(given, **params):
    """Status and rows that are missing, by counts and by digests."""
    result = one(given, "run_full_sync_validation", grace_s=0, scope="full", **params)[1]
    counted, detail = result["completeness"][0], detail_of(result)
    return (counted["status"], counted["missing"], result["integrity"][0]["status"], detail["missing_keys"]), detail, result


def what_a_transaction_committed_late_is_no_loss_yet(version):
    with Given(version) as given:
        given.sql(LINES)
        copy(given, columns=SMALL)
        equal(both(given)[0], ("healthy", 0, "healthy", []), "alike")
        with given.session() as other:
            other.stdin.write("BEGIN; INSERT INTO orders VALUES (600, 'late', clock_timestamp());\n\\echo written\n")
            equal(other.stdout.readline(), "written\n", "it is open")
            synced(given, 1000)
            found, detail, _ = both(given)
            equal(found, ("healthy", 0, "healthy", []), "it is open, and holds back what is compared")
            since = detail["held_back_by_a_transaction_since"]
            holds(since, detail)
            other.stdin.write("COMMIT;\n")
            other.stdin.close()
            other.wait()
        for again in ("it ended before this look", "and nothing was synced since"):
            found, detail, result = both(given)
            equal((found, detail["held_back_by_an_ended_transaction_since"]), (("healthy", 0, "healthy", []), since), again)
            contains(str(result["skipped"]), "was open when this was last looked at, and has ended")
        synced(given, 1001)
        found, detail, result = both(given)
        equal((found, detail["held_back_by_an_ended_transaction_since"]), (("drift_detected", 1, "mismatch", ["600"]), None),
              "the copy was synced since, and has it not")
        holds("first look" not in str(result["findings"]), result["findings"])
        first = given.run(TOOL, source_table="orders", target_delta_table="main.public.orders", grace_s=0)["result"]
        contains(first["findings"][0]["reason"], "1 rows are missing in the copy, 0 are too many, 0 differ (the first look: if a transaction")


suite(*each_version(what_moves_is_no_drift_and_what_differs_is, what_a_transaction_committed_late_is_no_loss_yet))
