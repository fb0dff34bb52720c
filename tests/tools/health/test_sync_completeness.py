"""validate_sync_completeness, track_sync_freshness and run_full_sync_validation: rows, lag, and both with the digests."""
import threading

from place import Given, contains, each_version, equal, holds, suite
from sync_place import PATIENT, WAITS, copy, one, rows_of
from sync_said import feeds_are_read_where_they_exist, synced_tables_are_read_where_they_exist

COLUMNS = {"id": "integer", "t": "text", "updated_at": "timestamp with time zone"}
TABLE = """CREATE TABLE orders (id int PRIMARY KEY, t text, updated_at timestamptz);
INSERT INTO orders SELECT i, 't' || i, now() - interval '3 hours' - i * interval '1 second' FROM generate_series(1, 500) AS i;
"""


def made(given):
    given.sql(TABLE)
    copy(given, columns=COLUMNS)


def complete_and_behind(version):
    with Given(version) as given:
        made(given)
        _, result = one(given, "validate_sync_completeness")
        found = result["completeness"][0]
        equal((found["status"], found["source_count"], found["target_count"], found["lag_seconds"]),
              ("healthy", 500, 500, 0), "all is there, and nobody writes")
        given.sql("INSERT INTO orders SELECT 1000 + i, 'x', now() - interval '2 hours' FROM generate_series(1, 5000) AS i")
        _, result = one(given, "validate_sync_completeness")
        found = result["completeness"][0]
        equal((found["status"], found["missing"]), ("healthy", 0), "in flight, and a day is allowed")
        holds(7100 < found["lag_seconds"] < 9000, found)
        document, result = one(given, "validate_sync_completeness", sync_type="continuous")
        equal(result["completeness"][0]["status"], "stale", "an hour is")
        contains(str(document["events"]), "sync.drift_detected")
        contains(result["findings"][0]["reason"], "the oldest change waits for 7")
        rows = rows_of(given, "completeness")
        equal([row["status"] for row in rows], ["healthy", "healthy", "stale"], "the rows of history")
        equal((rows[2]["count_drift"], rows[2]["freshness_limit_seconds"]), (5000, 3600.0), "with the figures")


def lost_and_doubled(version):
    with Given(version) as given:
        made(given)
        given.sql("INSERT INTO orders VALUES (600, 'lost', now() - interval '4 hours')")
        _, result = one(given, "validate_sync_completeness")
        equal((result["completeness"][0]["status"], result["completeness"][0]["missing"]), ("drift_detected", 1),
              "a row that the copy must have had")
        _, result = one(given, "validate_sync_completeness", timestamp_column="nothing")
        equal(result["completeness"][0]["status"], "healthy", "within the tolerance where that cannot be told")
        contains(result["skipped"][0]["reason"], "rows in flight cannot be told")
        copy(given, columns=COLUMNS, key="again")
        _, result = one(given, "validate_sync_completeness", max_lag_s=0)
        equal(result["completeness"][0]["extra"], 500, "all of it twice")
        equal([s["reason"] for s in result["skipped"] if "own sync states" in s["object"]],
              ["there is nothing of the kind here: no change feeds, no synced tables"], "said once")
        none = given.run("run_full_sync_validation", source_table="orders", target_delta_table="main.public.none")["result"]
        rows = [r for r in given.waiting("sync_validation_history") if r["target_table"] == "main.public.none"]
        equal(sorted((r["check_type"], r["status"]) for r in rows), [("completeness", "not_compared"), ("integrity", "not_compared")],
              "a pair that was to be compared is in the history")
        contains(str(rows[0]["detail"]), "there is no such table in the lakehouse")
        equal((none["not_compared"], none["issues"]), (1, 0), "and no issue")
        full = given.run("run_full_sync_validation", catalog="main")["result"]
        equal((full["total_pairs"], full["issues"], len(full["integrity"]), len(full["completeness"])), (1, 1, 1, 1),
              "both of each pair")


def freshness(version):
    with Given(version) as given:
        made(given)
        _, result = one(given, "track_sync_freshness", sync_type="continuous")
        equal(result["freshness"][0]["status"], "healthy", "a table that nobody changes is fresh")
        given.sql("UPDATE orders SET updated_at = now() - interval '2 hours' WHERE id = 1")
        document, result = one(given, "track_sync_freshness", sync_type="continuous")
        equal((result["freshness"][0]["status"], result["issues"]), ("stale", 1), "two hours")
        equal(len(document["events"]), 1, "the event")
        equal(one(given, "track_sync_freshness")[1]["freshness"][0]["status"], "healthy", "a day is allowed in batches")
        equal([row["status"] for row in rows_of(given, "freshness")], ["healthy", "stale", "healthy"], "history")
        contains(str(one(given, "track_sync_freshness", timestamp_column="t")[1]["skipped"]), "no timestamp column t")
        for tool in ("track_sync_freshness", "run_full_sync_validation", "validate_sync_completeness"):
            first = given.run(tool)["result"]
            equal((first["total_pairs"], len(first["skipped"])), (0, 1), f"{tool} on a first day")
        none = given.run("run_full_sync_validation", catalog="nowhere")["result"]
        contains(none["skipped"][0]["reason"], "no table has a copy of its name")


def rows_ahead_of_the_time(version):
    """One client's clock is wrong: the copy is as fresh as the others' rows say, and none of those is taken for lost."""
    with Given(version) as given:
        given.sql(TABLE + "INSERT INTO orders VALUES (9000, 'ahead', now() + interval '2 years')")
        copy(given, columns=COLUMNS)
        given.sql("INSERT INTO orders SELECT 1000 + i, 'x', now() - interval '2 hours' FROM generate_series(1, 10) AS i;"
                  "INSERT INTO orders VALUES (9001, 'ahead', 'infinity')")
        _, result = one(given, "validate_sync_completeness", sync_type="continuous")
        found = result["completeness"][0]
        equal((found["status"], found["missing"]), ("stale", 0), "ten rows are on their way, and late")
        holds(7100 < found["lag_seconds"] < 9000, found)
        ahead = [f for f in result["findings"] if f["kind"] == "sync_ahead_of_time"]
        equal(len(ahead), 1, "it is told")
        contains(ahead[0]["reason"], "rows whose updated_at lies in the future (orders: 2, its copy: 1)")
        _, fresh = one(given, "track_sync_freshness", sync_type="continuous")
        equal(fresh["freshness"][0]["status"], "stale", "not fresh for two years")
        _, both = one(given, "run_full_sync_validation", scope="full")
        equal((both["integrity"][0]["status"], both["completeness"][0]["status"]), ("healthy", "healthy"), "no row is lost")
        equal(len([f for f in both["findings"] if f["kind"] == "sync_ahead_of_time"]), 1, "told once in a run")
        given.sql("INSERT INTO orders VALUES (600, 'lost', now() - interval '4 hours')")
        _, result = one(given, "validate_sync_completeness")
        equal((result["completeness"][0]["status"], result["completeness"][0]["missing"]), ("drift_detected", 1), "that one is")


def a_long_transaction_holds_the_mark(version):
    """It wrote a row before the copy's latest, and commits it after the copy was counted."""
    with Given(version) as given:
        given.transport += PATIENT
        given.write()
        made(given)
        found = {}
        with given.session() as other:
            other.stdin.write("BEGIN; INSERT INTO orders VALUES (700, 'late', now());\n\\echo written\n")
            while other.stdout.readline() != "written\n":
                pass
            given.sql("INSERT INTO orders VALUES (800, 'later', clock_timestamp())")
            copy(given, columns=COLUMNS, key="later", first=800)
            _, result = one(given, "validate_sync_completeness", grace_s=0)
            contains(str(result["skipped"]), "a transaction has been open for ")
            other.stdin.write("LOCK TABLE orders;\n\\echo held\n")
            while other.stdout.readline() != "held\n":
                pass
            check = threading.Thread(target=lambda: found.update(one(given, "run_full_sync_validation", grace_s=0, scope="full")[1]))
            check.start()
            given.sql(WAITS)
            other.stdin.write("COMMIT;\n")
            other.stdin.close()
            check.join()
            other.wait()
        complete = found["completeness"][0]
        equal((complete["status"], complete["source_count"], complete["target_count"]), ("healthy", 502, 501), "in flight")
        equal(found["integrity"][0]["status"], "healthy", "by the digests, too")
        contains(str(found["skipped"]), "a transaction has been open for ")
        _, result = one(given, "validate_sync_completeness", grace_s=0)
        equal(result["completeness"][0]["missing"], 0, "it has ended, and the copy was not synced since")
        given.sql("INSERT INTO orders VALUES (801, 'later', clock_timestamp())")
        copy(given, columns=COLUMNS, key="latest", first=801)
        _, result = one(given, "validate_sync_completeness", grace_s=0)
        equal(result["completeness"][0]["missing"], 1, "by now the copy must have it")


suite(*each_version(complete_and_behind, lost_and_doubled, freshness, rows_ahead_of_the_time, a_long_transaction_holds_the_mark), feeds_are_read_where_they_exist,
      synced_tables_are_read_where_they_exist)
