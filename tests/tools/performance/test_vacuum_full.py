"""schedule_vacuum_full on real servers: waits for a person, executes once, and gives up on a lock that is taken."""

import concurrent.futures
import time

from databases import Branch
from place import Given, contains, each_version, equal, holds, suite
from planted import KEEPS, answer
from upkeep import plant, say, somebody, wait_for_others

TOOL = "schedule_vacuum_full"


def node(place, name="t"):
    return place.sql(f"SELECT pg_relation_filenode('{name}'::regclass)")


def size(place, name="t"):
    return int(place.sql(f"SELECT pg_total_relation_size('{name}'::regclass)"))


def wasteful(place, name="t"):
    plant(place, name, rows=20_000, dead=15_000)
    place.sql(f"ANALYZE {name}")


def waits_for_a_person_and_executes_once(version):
    with Given(version) as place:
        wasteful(place)
        before, bytes_before = node(place), size(place)
        document = place.run(TOOL, check=3, table="t")
        equal((document["status"], node(place)), ("pending_approval", before), "asked")
        plan = document["result"]["plan"]
        holds(0.6 < plan["gain_ratio"] < 0.9, f"gain: {plan['gain_ratio']}")
        holds(plan["expected_lock_seconds"] > 0 and plan["needs_bytes"] < bytes_before, plan)
        contains(plan["disk"], "room")
        contains(str(plan["alternatives"]), "plain VACUUM", "pg_repack")
        equal(place.waiting("vacuum_history")[0]["status"], "waiting", "vacuum_history")
        request = place.approvals()[0]
        contains(str(request), "VACUUM (FULL, ANALYZE) public.t")
        place.approve(request["id"])
        after = node(place)
        holds(after != before, "the table was not written anew")
        holds(size(place) < bytes_before / 2, "its size")
        place.approve(request["id"], check=None)
        equal(node(place), after, "a second approval executes nothing")
        result = place.run(TOOL, table="t")["result"]
        equal(result["status"], "deferred", "there is nothing left to win")
        contains(result["reason"], "a plain VACUUM will do")
        rows = place.history("SELECT status, bytes_before, bytes_after FROM vacuum_history WHERE operation_id ="
                             " (SELECT operation_id FROM vacuum_history WHERE status = 'waiting') ORDER BY status")
        equal([row[0] for row in rows["rows"]], ["success", "waiting"], "how it ended is on record")
        holds(int(rows["rows"][0][2]) < bytes_before / 2, f"bytes after: {rows}")


def an_outcome_is_of_its_database(version):
    """Of two databases of a branch that have the same table: what became of the one's rewrite is nothing of the other's."""
    with Branch(version, KEEPS) as branch, Given(version) as shop, Given(version) as books:
        for database in (shop, books):
            wasteful(database)
            branch.look_at(database).run(TOOL, check=3, table="t")
            asked = branch.approvals() if database is shop else asked
        branch.look_at(shop).approve(asked[0]["id"])
        holds(size(shop) < size(books) / 2, "the first was written anew")
        ended = "SELECT database_name, status, bytes_after FROM vacuum_history WHERE status = 'success'"
        branch.look_at(books).run(TOOL, check=3, table="t")
        equal(answer(branch, ended), [], "where it was not carried out")
        branch.look_at(shop).run(TOOL, table="t")
        (row,) = answer(branch, ended)
        equal((row["database_name"], int(row["bytes_after"])), (shop.database, size(shop)), "where it was")


def gives_up_on_a_lock_that_is_taken(version):
    with Given(version, kind="throwaway") as place:
        wasteful(place)
        before = node(place)
        with somebody(place, "BEGIN", "SELECT 1 FROM t LIMIT 1"):
            began = time.monotonic()
            result = place.run(TOOL, table="t", lock_timeout_ms=150, attempts=3, pause_seconds=0.1)["result"]
            holds(time.monotonic() - began < 20, "it hung")
            equal((result["status"], node(place)), ("deferred", before), "gave up")
            contains(result["reason"], "gave up after 3 waits of 150 ms")
            contains(result["locked_by"], "AccessShareLock")
            with somebody(place) as reader:
                say(reader, "SELECT 1 FROM t LIMIT 1")
        result = place.run(TOOL, table="t")["result"]
        equal(result["status"], "success", "when it is free")
        row = place.waiting("vacuum_history")[-1]
        equal((row["operation_type"], row["status"]), ("vacuum_full", "success"), "vacuum_history")
        holds(row["bytes_after"] < row["bytes_before"] / 2, row)
        equal(place.sql("SELECT count(*) FROM t"), "5000", "rows")


def a_lock_that_hides_its_size_is_not_waited_for_longer(version):
    with Given(version, kind="throwaway") as place:
        wasteful(place)
        before = node(place)
        with somebody(place, "BEGIN", "LOCK TABLE t IN ACCESS EXCLUSIVE MODE"):
            began = time.monotonic()
            result = place.run(TOOL, table="t", lock_timeout_ms=100)["result"]
            holds(time.monotonic() - began < 4, "it waited as the session does, for five seconds")
            equal((result["status"], result["plan"], node(place)), ("deferred", None, before), "deferred")
            contains(result["reason"], "after 100 ms", "its size cannot be read", "has AccessExclusiveLock on it")
            contains(result["locked_by"], "AccessExclusiveLock")
        row = place.waiting("vacuum_history")[-1]
        equal((row["status"], row.get("bytes_before")), ("deferred", None), "vacuum_history")
        equal(place.run(TOOL, table="t")["result"]["status"], "success", "when it is free")


PATIENT_MS, LATE_MS = 3000, 1000  # the latter is what a machine that has much to do takes to wake somebody


def until(holds_now, what, seconds=60):
    deadline = time.monotonic() + seconds
    while not holds_now():
        holds(time.monotonic() < deadline, what)


def awaits(place, mode):
    return place.sql(f"SELECT count(*) FROM pg_locks WHERE relation = 't'::regclass AND NOT granted AND mode = '{mode}'") == "1"


def blocks_a_reader(place, aside, reader, rewrite):
    """A reader comes while the rewrite waits for its lock, and so waits behind it: for how long the server says itself."""
    until(lambda: rewrite.done() or awaits(place, "AccessExclusiveLock"), "it waits for the lock")
    holds(not rewrite.done(), f"it did not wait for the lock: {rewrite}")
    reader.stdin.write("SELECT 1000 * extract(epoch FROM clock_timestamp() - statement_timestamp()) FROM t LIMIT 1;\n")
    reader.stdin.flush()
    until(lambda: awaits(place, "AccessShareLock"), "somebody waits behind it", PATIENT_MS / 1000)
    waited = float(aside.submit(reader.stdout.readline).result(timeout=60))
    holds(0 < waited <= PATIENT_MS + LATE_MS, f"a reader waited {waited:.0f} ms behind a rewrite of {PATIENT_MS} ms of patience")
    return waited


def who_queues_behind_it_goes_on_when_it_gives_up(version):
    """And not only when the one before it lets go, who holds the lock until the end."""
    with Given(version, kind="throwaway") as place, somebody(place) as reader:
        wasteful(place)
        with somebody(place, "BEGIN", "SELECT 1 FROM t LIMIT 1"), concurrent.futures.ThreadPoolExecutor() as aside:
            run = aside.submit(place.run, TOOL, table="t", lock_timeout_ms=PATIENT_MS, attempts=1)
            waited = blocks_a_reader(place, aside, reader, run)
            equal(run.result()["result"]["status"], "deferred", "whoever holds the lock still has it")
            print(f"  {version}: a reader behind a VACUUM FULL of {PATIENT_MS} ms patience waited {waited:.0f} ms")


def an_approved_one_gives_up_too(version):
    with Given(version) as place, somebody(place) as reader:
        wasteful(place)
        before = node(place)
        place.run(TOOL, check=3, table="t", lock_timeout_ms=PATIENT_MS)
        with somebody(place, "BEGIN", "SELECT 1 FROM t LIMIT 1"), concurrent.futures.ThreadPoolExecutor() as aside:
            approval = aside.submit(place.approve, place.approvals()[0]["id"], None)
            blocks_a_reader(place, aside, reader, approval)
            done = approval.result()
            holds(done.returncode != 0, "it says that it failed")
            contains(done.stdout + done.stderr, "lock")
            equal(node(place), before, "the table")


def rows_that_somebody_may_still_see_are_no_gain(version):
    with Given(version) as place:
        wasteful(place, "emptied")
        place.sql("VACUUM emptied; CREATE TABLE other (id int)")
        with somebody(place, "BEGIN", "INSERT INTO other VALUES (1)"):
            plant(place, rows=20_000, dead=15_000, held=True)
            place.sql("VACUUM t; ANALYZE t")
            before = node(place)
            result = place.run(TOOL, table="t", holder_seconds=0)["result"]
            equal((result["status"], node(place), place.approvals()), ("deferred", before, []), "nobody is asked")
            contains(result["reason"], "dead rows that it would copy: pid ", "holds them back")
            equal(result["plan"]["held_back_by"]["kind"], "session", "evidence")
            place.run(TOOL, check=3, table="emptied", holder_seconds=0)  # has room that nothing is in
        place.run(TOOL, check=3, table="t")


def a_rewrite_that_wins_nothing_has_failed(version):
    """Who holds the rows has come since the last vacuum, which could not tell."""
    with Given(version, kind="throwaway") as place:
        plant(place, rows=20_000, dead=0)
        place.sql("CREATE TABLE other (id int)")
        with somebody(place, "BEGIN", "INSERT INTO other VALUES (1)"):
            deleter = int(place.sql("BEGIN; DELETE FROM t WHERE id <= 15000; SELECT pg_current_xact_id(); COMMIT"))
            place.sql("ANALYZE t")
            before, bytes_before = node(place), size(place)
            result = place.run(TOOL, table="t", holder_seconds=0)["result"]
            holds(node(place) != before and size(place) > 0.9 * bytes_before, "it was written anew, with all rows")
            equal(result["status"], "failed", f"verdict: {result}")
            contains(result["reason"], " bytes of about ", ": pid ", "holds the rows back")
            equal(place.waiting("vacuum_history")[-1]["status"], "failed", "vacuum_history")
        wait_for_others(place, deleter)
        result = place.run(TOOL, table="t")["result"]
        equal(result["status"], "success", f"when the holder is gone: {result}")
        holds(size(place) < bytes_before / 2, "its size")


def refuses_what_cannot_be_rewritten(version):
    with Given(version) as place:
        place.sql("CREATE TABLE parts (id int) PARTITION BY RANGE (id); CREATE VIEW seen AS SELECT 1;"
                  'CREATE SCHEMA "Odd s"; CREATE TABLE "Odd s"."T ""x" (id int) WITH (autovacuum_enabled=off)')
        codes = {name: place.run(TOOL, check=1, table=name)["error"]["code"] for name in ("gone", "parts", "seen")}
        equal(codes, {"gone": "not_found", "parts": "invalid", "seen": "invalid"}, "errors")
        with somebody(place, "CREATE TEMP TABLE mine AS SELECT 1"):
            schema = place.sql("SELECT nspname FROM pg_namespace n JOIN pg_class c ON c.relnamespace = n.oid"
                               " WHERE relname = 'mine'")
            equal(place.run(TOOL, check=1, schema=schema, table="mine")["error"]["code"], "unsupported", "temporary")
        document = place.run(TOOL, schema="Odd s", table='T "x')
        contains(document["result"]["reason"], "nobody can tell what it would gain")
        planned = place.run(TOOL, plan=True, schema="Odd s", table='T "x', min_gain=0)
        contains(str(planned["changes"]), 'VACUUM (FULL, ANALYZE) "Odd s"."T ""x"')
        place.run(TOOL, check=2)


suite(*each_version(an_outcome_is_of_its_database, waits_for_a_person_and_executes_once, gives_up_on_a_lock_that_is_taken,
                    a_lock_that_hides_its_size_is_not_waited_for_longer,
                    who_queues_behind_it_goes_on_when_it_gives_up,
                    an_approved_one_gives_up_too, rows_that_somebody_may_still_see_are_no_gain,
                    a_rewrite_that_wins_nothing_has_failed, refuses_what_cannot_be_rewritten), at_once=4)
