"""validate_sync_integrity: checksums that are equal where rows are, and the rows and columns where they are not."""
import threading

from place import Given, contains, each_version, equal, holds, suite
from sync_place import PATIENT, WAITS, copy, detail_of, make, one, rows_of, same

TOOL = "validate_sync_integrity"


def every_type_has_one_digest(version):
    with Given(version) as given:
        make(given)
        copy(given)
        before = given.sql("SELECT pg_current_wal_lsn()")
        document, result = one(given, TOOL, grace_s=0)
        same(result)
        found = result["integrity"][0]
        equal(given.sql(f"SELECT '{detail_of(result)['source_wal_position']}'::pg_lsn BETWEEN '{before}' AND pg_current_wal_lsn()"), "t",
              "from where on the server was read")
        equal(found["source_checksum"], found["target_checksum"], "checksums")
        equal(found["key_columns"], ["id"], "the primary key")
        equal(detail_of(result)["columns_left_out"], None, "no column is left out")
        equal(detail_of(result)["rows_compared"], int(given.sql("SELECT count(*) FROM orders")), "all rows")
        again = one(given, TOOL, grace_s=0, scope="full")[1]["integrity"][0]
        equal(again["source_checksum"], found["source_checksum"], "the same again")
        row = rows_of(given, "integrity")[0]
        equal((row["status"], row["checksum_match"], row["source_table"], row["target_table"]),
              ("healthy", True, "orders", "main.public.orders"), "the row of history")
        holds(not result.get("findings"), "nothing to find")


def differences_are_named(version):
    with Given(version) as given:
        make(given)
        copy(given)
        given.sql("UPDATE orders SET num = num + 0.01, t = t || '.' WHERE id = 4; DELETE FROM orders WHERE id = 7;"
                  "UPDATE orders SET f8 = f8 * (1 + 2.220446049250313e-16) WHERE id = 10001;"
                  "UPDATE orders SET names[4] = '~~' WHERE id = 3;"
                  "INSERT INTO orders (id, updated_at) VALUES (77, '2026-01-02')")
        document, result = one(given, TOOL, grace_s=0, max_lag_s=0)
        same(result, "mismatch")
        detail = detail_of(result)
        equal((detail["missing"], detail["extra"], detail["different"]), (1, 1, 3), "how many")
        equal((detail["missing_keys"], detail["extra_keys"]), (["77"], ["7"]), "which")
        equal(dict(zip(detail["different_keys"], detail["different_columns"])),
              {"4": "num, t", "10001": "f8", "3": "names"}, "columns")
        event = [e for e in document["events"] if "sync" in str(e)]
        equal(len(event), 1, f"one event: {document['events']}")
        equal(len(result["findings"]), 1, "one finding")
        contains(result["findings"][0]["reason"], "1 rows are missing in the copy, 1 are too many, 3 differ")


def rows_in_flight_are_no_alarm(version):
    with Given(version) as given:
        make(given)
        copy(given)
        given.sql("UPDATE orders SET t = 'new', updated_at = now() WHERE id IN (2, 3, 150, 10005);"
                  "INSERT INTO orders (id, updated_at) SELECT 50000 + i, now() FROM generate_series(1, 100) AS i")
        document, result = one(given, TOOL, grace_s=0)
        same(result)
        equal(detail_of(result)["in_flight"], 4, "changed rows that the copy has as they were")
        equal(given.run(TOOL, source_table="orders", target_delta_table="main.public.orders",
                        timestamp_column="nothing", max_lag_s=0)["result"]["integrity"][0]["status"], "mismatch",
              "without a time they cannot be told")


def what_was_loaded_at_once_is_compared_when_it_had_its_time(version):
    """Each of its rows is as young as the copy's latest, for good."""
    with Given(version) as given:
        given.sql("CREATE TABLE orders (id int PRIMARY KEY, t text, updated_at timestamptz);"
                  "INSERT INTO orders SELECT i, 'a', now() - interval '2 hours' FROM generate_series(1, 100) AS i")
        copy(given, columns=SMALL)
        given.sql("UPDATE orders SET t = 'other' WHERE id = 17")
        result = one(given, TOOL)[1]
        same(result, "waiting")
        equal((result["integrity"][0]["checksum_match"], detail_of(result)["rows_compared"], result["healthy"]), (None, 0, 0),
              "no verdict about rows that nobody has compared")
        equal(rows_of(given, "integrity")[0]["checksum_match"], None, "nor in history")
        document, result = one(given, TOOL, scope="full", sync_type="continuous")
        same(result, "mismatch")
        equal((detail_of(result)["different_keys"], detail_of(result)["rows_compared"]), (["17"], 100), "an hour is their time")
        result = one(given, TOOL, scope="full")[1]
        same(result, "waiting")
        equal(result["findings"], [], "where they have a day, no verdict")
        given.sql("UPDATE orders SET updated_at = now() + interval '1 minute'")
        copy(given, columns=SMALL, key="k2", name="ahead")
        ahead = given.run(TOOL, source_table="orders", target_delta_table="main.public.ahead", max_lag_s=0)["result"]
        equal(ahead["integrity"][0]["status"], "waiting", "what is ahead of the clock has had none")


def what_is_misspelt_is_said(version):
    with Given(version) as given:
        given.sql("CREATE TABLE orders (id int PRIMARY KEY, t text, updated_at timestamptz); INSERT INTO orders VALUES (1, 'a', now())")
        copy(given, columns=SMALL)
        result = one(given, TOOL, grace_s=0, key_columns=["ident"])[1]
        equal((result["not_compared"], result["healthy"]), (1, 0), "by no other key than the one that was asked for")
        contains(result["skipped"][0]["reason"], "key_columns has ident, which is no column")
        pair = {"source": "orders", "target": "main.public.orders"}
        for wrong, words in (({**pair, "type": "continous"}, '"type": "continous"'), ({**pair, "key_columns": "id"}, '"key_columns": "id"'),
                             ({**pair, "timestamp": "t"}, '"timestamp": "t"'), ("orders", "no pair")):
            error = given.run(TOOL, pairs=[wrong], check=1)["error"]
            equal(error["code"], "invalid", words)
            contains(error["message"], words)
        for tool in (TOOL, "validate_sync_completeness", "run_full_sync_validation", "track_sync_freshness"):
            error = given.run(tool, pairs=[pair], check=1, key_columns=["id"])["error"]
            equal((error["code"], error["message"]), ("invalid", "key_columns is given beside pairs, and says not of which"), tool)
            for name, value in (("source_table", "others"), ("target_delta_table", "main.public.others")):
                error = given.run(tool, pairs=[pair], check=1, **{name: value})["error"]
                equal((error["code"], error["message"]), ("not_found", f"no pair is of {value}"), tool)
                contains(error["hint"], "that are no pair")
        other = {"source": "orders", "target": "main.public.elsewhere"}
        picked = given.run(TOOL, pairs=[other, pair], source_table="public.orders", target_delta_table="main.public.orders", grace_s=0)["result"]
        equal([i["target"] for i in picked["integrity"]], ["main.public.orders"], "whoever names both means that pair")
        right = given.run(TOOL, pairs=[{**pair, "type": "continuous", "key_columns": ["id"], "timestamp_column": None}], grace_s=0)
        equal(right["result"]["total_pairs"], 1, "what is right is taken")


def half_a_key_is_none(version):
    """A column of it is of a type that cannot be compared: what is left of the key names several rows."""
    columns = {"ip": "inet", **SMALL}
    with Given(version) as given:
        given.sql("CREATE TABLE orders (ip inet, id int, t text, updated_at timestamptz, PRIMARY KEY (ip, id));"
                  "INSERT INTO orders SELECT ('10.0.0.' || i % 3)::inet, i / 3, i, '2026-01-01' FROM generate_series(1, 300) AS i")
        copy(given, columns=columns)
        result = one(given, TOOL, grace_s=0)[1]
        same(result)
        equal((detail_of(result)["rows_compared"], result["integrity"][0]["key_columns"]), (300, []), "all rows, as without a key")
        contains(result["skipped"][0]["reason"], "cannot be compared: ip")
        given.sql("UPDATE orders SET t = 'other' WHERE ip = '10.0.0.1' AND id = 5")
        same(one(given, TOOL, grace_s=0, scope="full", max_lag_s=0)[1], "mismatch")


def what_limits_a_check_is_said_once(version):
    with Given(version) as given:
        given.sql("CREATE TABLE orders (ip inet, id int PRIMARY KEY, t text);"
                  "INSERT INTO orders SELECT ('10.0.0.' || i % 3)::inet, i, i FROM generate_series(1, 300) AS i")
        copy(given, columns={"ip": "inet", "id": "integer", "t": "text"})
        no_time = "no timestamp column updated_at on both sides: rows in flight cannot be told"
        for tool, said in (("validate_sync_completeness", [no_time]),
                           (TOOL, [no_time, "columns that cannot be compared: ip"]),
                           ("run_full_sync_validation", [no_time, "columns that cannot be compared: ip"])):
            skipped = [s["reason"] for s in one(given, tool)[1]["skipped"] if s["object"] == "orders"]
            equal([s.partition(": inet")[0] for s in skipped], said, tool)


def a_deleted_row_is_in_flight(version):
    """Until the copy is known to have been synced since it was first seen to be missing at the source, or may lag no longer."""
    with Given(version) as given:
        given.sql(LINES)
        copy(given, columns=SMALL)
        given.sql("DELETE FROM orders WHERE id IN (7, 8)")
        kind, status, _, detail = look(given)
        equal((kind, status, detail["extra"], detail["in_flight"]), ("full", "waiting", 0, 2), "deleted a moment ago")
        equal(look(given)[:2], ("moved", "waiting"), "and nothing has happened since")
        equal([(row["status"], row["checksum_match"]) for row in rows_of(given, "integrity")], [("waiting", None)] * 2,
              "it was looked at, without a verdict")
        again = look(given, scope="full")[3]
        equal((again["extra"], again["in_flight"]), (0, 2), "still in flight")
        given.sql("INSERT INTO orders VALUES (7, 't7', '2026-01-01'::timestamptz + interval '7 minutes')")
        equal(look(given, scope="full")[3]["in_flight"], 1, "one is back, as a sync would have it")
        kind, status, _, late = look(given, max_lag_s=0)
        equal((kind, status, late["extra_keys"]), ("moved", "mismatch", ["8"]), "never synced: found without a look at all rows")
        given.sql("INSERT INTO orders VALUES (8, 't8', '2026-01-01'::timestamptz + interval '8 minutes')")
        equal(look(given, max_lag_s=0)[1], "healthy", "it is over once both sides agree")

        given.sql("DELETE FROM orders WHERE id = 9")
        equal(look(given, scope="full")[1], "waiting", "another one")
        change(given, 1000, "more", given.sql("SELECT clock_timestamp() - interval '2 seconds'"))
        kind, status, _, moved = look(given)
        equal((kind, status, moved["extra_keys"]), ("moved", "mismatch", ["9"]), "the copy was synced since, and has it still")
        given.sql("DELETE FROM orders WHERE id = 10")
        full = look(given, scope="full")[3]
        equal((full["extra_keys"], full["in_flight"]), (["9"], 1), "a later one is not")
        equal(sorted(look(given, scope="full", max_lag_s=0)[3]["extra_keys"]), ["10", "9"], "each for itself")
        copy(given, columns=SMALL, key="twice", first=1001)
        twice = look(given, scope="full")[3]
        equal(sorted(twice["extra_keys"]), ["1001", "1002", "9"], "a row that the copy has twice is none that was deleted")


def without_a_time_a_difference_waits_for_the_next_sync(version):
    columns, once = {"id": "integer", "t": "text"}, {"scope": "full", "timestamp_column": "none"}
    with Given(version) as given:
        given.sql("CREATE TABLE orders (id int PRIMARY KEY, t text);"
                  "INSERT INTO orders SELECT i, 't' || i FROM generate_series(1, 300) AS i")
        copy(given, columns=columns)
        given.sql("UPDATE orders SET t = 'new' WHERE id IN (3, 4); DELETE FROM orders WHERE id = 5; INSERT INTO orders VALUES (301, 'new')")
        for again in ("it may be on its way", "and nothing was synced since"):
            document, result = one(given, TOOL, grace_s=0, **once)
            detail = detail_of(result)
            same(result, "waiting")
            equal((detail["different"], detail["missing"], detail["extra"], detail["undecided"]), (0, 0, 0, 4), again)
            holds(detail["source_wal_position"] and detail["source_read_from"], detail)
            equal((result["healthy"], result["waiting"], result["issues"], result.get("findings", [])), (0, 1, 0, []), again)
        equal([row["status"] for row in rows_of(given, "integrity")], ["waiting", "waiting"], "history has both looks")
        given.sql("UPDATE orders SET t = 't4' WHERE id = 4; INSERT INTO orders VALUES (302, 'newer')")
        copy(given, key="next", first=302, columns=columns)
        given.sql("UPDATE orders SET t = 'later' WHERE id = 9")
        document, result = one(given, TOOL, grace_s=0, **once)
        detail = detail_of(result)
        same(result, "mismatch")
        equal((detail["different_keys"], detail["missing_keys"], detail["extra_keys"], detail["undecided"]), (["3"], ["301"], ["5"], 1),
              "the copy was synced since; what is alike by now is none, and what came later waits")
        equal((len(result["findings"]), len([e for e in document["events"] if "sync" in str(e)])), (1, 1), "told")


def many_rows_wait_each_for_itself(version):
    """More than have a name in the result, in more parts than are looked into in one go."""
    with Given(version) as given:
        given.sql("CREATE TABLE orders (id int PRIMARY KEY, t text);"
                  "INSERT INTO orders SELECT i, 't' || i FROM generate_series(1, 300) AS i")
        copy(given, columns={"id": "integer", "t": "text"})
        given.sql("UPDATE orders SET t = 'new' WHERE id <= 120")
        kind, status, _, detail = look(given)
        equal((kind, status, detail["undecided"], detail["cut"]), ("full", "waiting", 120, False), "all may be on their way")
        given.sql("UPDATE orders SET t = 't' || id WHERE id <= 120 AND id NOT IN (98, 99); INSERT INTO orders VALUES (301, 'newer')")
        copy(given, key="next", first=301, columns={"id": "integer", "t": "text"})
        _, status, _, detail = look(given, scope="full")
        equal((status, sorted(detail["different_keys"]), detail["undecided"]), ("mismatch", ["98", "99"], 0),
              "the copy was synced since, and has two of the last of them as they were")


def without_a_key_what_is_lost_is_told_at_once(version):
    """The copy must have it, as its time says; what it has too much of may have been changed or deleted."""
    with Given(version) as given:
        given.sql(LINES.replace(" PRIMARY KEY", ""))
        copy(given, columns=SMALL)
        given.sql("DELETE FROM orders WHERE id IN (5, 6); UPDATE orders SET t = 'new', updated_at = now() WHERE id = 7")
        kind, status, _, detail = look(given)
        equal((kind, status, detail["missing"], detail["extra"], detail["undecided"]), ("full", "waiting", 0, 0, 3), "on their way")
        given.sql("INSERT INTO orders VALUES (600, 'lost', '2026-01-01 00:30')")
        kind, status, _, detail = look(given, scope="full")
        equal((status, detail["missing"], detail["extra"], detail["undecided"]), ("mismatch", 1, 0, 3), "lost")


def rows_in_flight_in_many_parts_are_no_alarm(version):
    """More parts than are looked into in one go."""
    with Given(version) as given:
        given.sql("CREATE TABLE orders (id int PRIMARY KEY, t text, updated_at timestamptz);"
                  "INSERT INTO orders SELECT i, 't' || i, '2026-01-01' FROM generate_series(1, 20480) AS i")
        copy(given, columns=SMALL)
        given.sql("UPDATE orders SET t = 'new', updated_at = now() WHERE id % 40 = 7")
        kind, status, _, detail = look(given)
        equal((kind, status, detail["in_flight"], detail["cut"]), ("full", "healthy", 512, False), detail["parts_differ"])
        holds(detail["parts_differ"] > 400, detail)
        given.sql("UPDATE orders SET t = 'lost' WHERE id = 20001")
        kind, status, _, detail = look(given, scope="full")
        equal((status, detail["different_keys"]), ("mismatch", ["20001"]), "and what differs in one of the last of them is found")


def a_late_first_write_is_looked_at(version):
    """A transaction that has only read when the pair was looked at, and writes with the time at which it began."""
    with Given(version) as given:
        given.sql(LINES)
        copy(given, columns=SMALL)
        with given.session() as other:
            other.stdin.write("BEGIN; SELECT count(*) > 0 FROM orders;\n\\echo read\n")
            while other.stdout.readline() != "read\n":
                pass
            change(given, 1000, "more", given.sql("SELECT clock_timestamp() - interval '2 seconds'"))
            equal(look(given)[:2], ("full", "healthy"), "it has written nothing")
            other.stdin.write("INSERT INTO orders VALUES (600, 'late', now()); COMMIT;\n")
            other.stdin.close()
            other.wait()
        change(given, 2000, "more", given.sql("SELECT clock_timestamp() - interval '2 seconds'"))
        kind, status, _, detail = look(given)
        equal((kind, status, detail["missing_keys"]), ("moved", "healthy", []), "it has ended, and the copy was not synced since")
        holds(detail["held_back_by_an_ended_transaction_since"], detail)
        change(given, 3000, "more", given.sql("SELECT clock_timestamp() - interval '2 seconds'"))
        kind, status, _, detail = look(given)
        equal((kind, status, detail["missing_keys"]), ("moved", "mismatch", ["600"]), "its row is older than what was compared first")
        equal(detail["held_back_by_an_ended_transaction_since"], None, "and nothing holds it back any more")


def many_deleted_rows_are_known_again(version):
    """More than are remembered by their keys."""
    with Given(version) as given:
        given.sql(LINES)
        copy(given, columns=SMALL)
        given.sql("DELETE FROM orders WHERE id <= 120")
        kind, status, _, detail = look(given)
        equal((kind, status, detail["extra"], detail["in_flight"]), ("full", "waiting", 0, 120), "deleted a moment ago")
        change(given, 1000, "more", given.sql("SELECT clock_timestamp() - interval '2 seconds'"))
        equal(look(given, scope="moved")[3]["extra"], 50, "those with a key are looked up")
        given.sql("DELETE FROM orders WHERE id BETWEEN 121 AND 125")
        kind, status, _, detail = look(given, scope="full")
        equal((status, detail["extra"], len(detail["extra_keys"]), detail["in_flight"]), ("mismatch", 120, 50, 5), "all of them, and no later one")


def counts_know_of_rows_that_are_deleted(version):
    with Given(version) as given:
        given.sql(LINES)
        copy(given, columns=SMALL)
        given.sql("DELETE FROM orders WHERE id <= 20")
        both = one(given, "run_full_sync_validation", grace_s=0)[1]
        counted = both["completeness"][0]
        equal((counted["status"], counted["extra"], counted["extra_in_flight"], both["issues"]), ("healthy", 0, True, 0), "in flight")
        alone = one(given, "validate_sync_completeness", grace_s=0)[1]["completeness"][0]
        equal((alone["status"], alone["extra_in_flight"]), ("healthy", True), "by the other tool, too")
        late = one(given, "validate_sync_completeness", grace_s=0, max_lag_s=0)[1]["completeness"][0]
        equal((late["status"], late["extra"]), ("drift_detected", 20), "for as long as the copy may be behind")


def other_keys_and_none(version):
    with Given(version) as given:
        given.sql("""CREATE TABLE words (id int, "Key" text, n int, PRIMARY KEY ("Key", id));
                     INSERT INTO words SELECT i, 'w' || i % 7, i FROM generate_series(1, 3000) AS i;
                     CREATE TABLE heap (id int, n int); INSERT INTO heap SELECT i % 3, 1 FROM generate_series(1, 300) AS i""")
        words = {"id": "integer", "Key": "text", "n": "integer"}
        copy(given, "words", columns=words)
        copy(given, "heap", columns={"id": "integer", "n": "integer"})
        params = {"timestamp_column": "none"}
        both = given.run(TOOL, pairs=[{"source": "words", "target": "main.public.words"},
                                      {"source": "public.heap", "target": "main.public.heap"}], **params)["result"]
        equal([p["status"] for p in both["integrity"]], ["healthy", "healthy"], "alike")
        given.sql("UPDATE words SET n = 0 WHERE id = 5; DELETE FROM words WHERE id = 6; DELETE FROM heap "
                  "WHERE ctid = (SELECT min(ctid) FROM heap)")
        waits = given.run(TOOL, catalog="main", **params)["result"]
        equal((waits["not_compared"], len(waits["skipped"])), (2, 2), "without a time all of it is compared once a day")
        contains(str(waits["skipped"]), "only all of it can be compared, which is done every 86400 s")
        found = given.run(TOOL, catalog="main", scope="full", max_lag_s=0, **params)["result"]["integrity"]
        by_name = {p["source"]: p["detail"] for p in found}
        equal(sorted(by_name), ["public.heap", "public.words"], "pairs by name")
        equal((by_name["public.words"]["different_keys"], by_name["public.words"]["different_columns"],
               by_name["public.words"]["extra_keys"]), (["w5 5 "], ["n"], ["w6 6 "]), "a key of two columns")
        equal((by_name["public.heap"]["extra"], by_name["public.heap"]["missing"]), (1, 0), "rows without a key")


def what_cannot_be_compared_is_said(version):
    with Given(version) as given:
        given.sql("CREATE TABLE orders (id int PRIMARY KEY, p point, extra text); INSERT INTO orders VALUES (1)")
        nothing = given.run(TOOL)["result"]
        equal((nothing["total_pairs"], len(nothing["skipped"])), (0, 1), "no pair is named")
        absent = one(given, TOOL)[1]
        contains(absent["skipped"][0]["reason"], "no such table in the lakehouse")
        copy(given, columns={"id": "integer", "p": "point"})
        _, result = one(given, TOOL)
        same(result, "mismatch")
        equal(result["integrity"][0]["detail"]["missing_columns"], "extra", "a column that the copy lacks")
        contains(str(result["skipped"]), "p: point and string")
        given.sql("DROP TABLE orders")
        contains(one(given, TOOL)[1]["skipped"][0]["reason"], "no such table on the server")
        contains(given.run(TOOL, check=1, source_table="orders", target_delta_table="x")["error"]["message"],
                 "no full name of a copy")
        contains(given.run(TOOL, check=1, pairs={"a": 1})["error"]["message"], "pairs is no list")


SMALL = {"id": "integer", "t": "text", "updated_at": "timestamp with time zone"}
LINES = """CREATE TABLE orders (id int PRIMARY KEY, t text, updated_at timestamptz);
INSERT INTO orders SELECT i, 't' || i, '2026-01-01'::timestamptz + i * interval '1 minute' FROM generate_series(1, 500) AS i;
"""


def change(given, first, text, when, copied=None):
    """Three rows more, of which the copy gets those from `copied` on."""
    given.sql(f"INSERT INTO orders SELECT {first} + i, '{text}', '{when}'::timestamptz + i * interval '1 second' "
              "FROM generate_series(0, 2) AS i")
    copy(given, key=f"from-{first}", first=first if copied is None else copied, columns=SMALL)


def look(given, **params):
    """What was compared, and what came of it."""
    result = one(given, TOOL, grace_s=0, **params)[1]
    detail = detail_of(result)
    return detail["scope"], result["integrity"][0]["status"], detail["rows_compared"], detail


def what_has_moved_is_compared(version):
    with Given(version) as given:
        given.sql(LINES)
        copy(given, columns=SMALL)
        contains(one(given, TOOL, grace_s=0, scope="moved")[1]["skipped"][0]["reason"], "has to be compared once before")
        equal(look(given)[:3], ("full", "healthy", 500), "all of it the first time")
        equal(look(given)[:3], ("moved", "healthy", 0), "nothing has moved")
        change(given, 1000, "more", "2026-02-01")
        equal(look(given)[:3], ("moved", "healthy", 3), "what came")
        equal([row.get("source_count") for row in rows_of(given, "integrity")], [500, None, None], "rows are not counted for that")
        change(given, 2000, "more", "2026-03-01")
        given.sql("UPDATE orders SET t = 'later', updated_at = '2026-04-01' WHERE id = 2001")
        kind, status, rows, detail = look(given)
        equal((kind, status, rows, detail["in_flight"]), ("moved", "healthy", 2, 1), "one is on its way to be changed")
        change(given, 3000, "lost", "2026-05-01", copied=3002)
        given.sql("UPDATE orders SET t = 'not copied', updated_at = '2026-04-30' WHERE id = 4")
        for _ in range(2):
            kind, status, rows, detail = look(given)
            equal((kind, status, detail["missing_keys"], detail["extra"]), ("moved", "mismatch", ["3000", "3001"], 0),
                  "what was lost stays lost, and is told each time")
            equal(dict(zip(detail["different_keys"], detail["different_columns"])),
                  {"4": "t, updated_at", "2001": "t, updated_at"}, "the copy has them as they were long ago")


def a_branch_that_is_made_again_is_compared_anew(version):
    """The one that had its name was compared: that says nothing of this one's rows."""
    with Given(version, kind="throwaway") as given:
        given.transport += '\nprojects = ["shop"]'  # so that its control plane knows the branch
        given.write()
        given.sql(LINES)
        copy(given, columns=SMALL)
        equal([look(given)[:2] for _ in range(2)], [("full", "healthy"), ("moved", "healthy")], "the old one")
        given.at_server(f"DROP DATABASE {given.database} WITH (FORCE)")
        given.at_server(f"CREATE DATABASE {given.database}")
        given.sql(LINES + "; UPDATE orders SET t = 'unseen' WHERE id = 7")
        kind, status, _, detail = look(given)
        equal((kind, status, detail["different_keys"]), ("full", "mismatch", ["7"]), "the new one")
        given.sql("UPDATE orders SET t = 't7' WHERE id = 7")
        equal(look(given, scope="full")[:2], ("full", "healthy"), "mended")
        equal(look(given)[:2], ("moved", "healthy"), "has a book of its own")


def all_of_it_is_compared_when_it_is_due(version):
    with Given(version) as given:
        given.sql(LINES)
        copy(given, columns=SMALL)
        contains(one(given, TOOL, full_budget_s=0)[1]["skipped"][0]["reason"], "have taken the 0 s")
        equal(look(given)[:2], ("full", "healthy"), "first")
        given.sql("UPDATE orders SET t = 'unseen' WHERE id = 7")
        equal(look(given)[:2], ("moved", "healthy"), "a change that left no time is not seen")
        kind, status, _, detail = look(given, full_every_s=0, full_budget_s=0)
        equal((kind, status, detail["full_comparison_waits"]), ("moved", "healthy", True), "due, and no budget")
        kind, status, _, detail = look(given, full_every_s=0)
        equal((kind, status, detail["different_keys"]), ("full", "mismatch", ["7"]), "due, and found")
        document, result = one(given, TOOL, grace_s=0)
        detail = detail_of(result)
        equal((detail["scope"], result["integrity"][0]["status"], detail["full_comparison_differs"]),
              ("moved", "mismatch", True), "it is not forgotten")
        contains(result["findings"][0]["reason"], "still stand")
        given.sql("UPDATE orders SET t = 't7' WHERE id = 7")
        equal(look(given, scope="full")[:2], ("full", "healthy"), "mended")
        equal(look(given)[:2], ("moved", "healthy"), "and well again")
        given.sql("ALTER TABLE orders ADD COLUMN note text")
        equal(look(given)[:2], ("full", "mismatch"), "other columns: all of it again")
        both = given.run("run_full_sync_validation", catalog="main", grace_s=0)["result"]
        again = given.run("run_full_sync_validation", catalog="main", grace_s=0)["result"]
        equal([r["integrity"][0]["detail"]["scope"] for r in (both, again)], ["full", "moved"], "with a book of its own")
        equal(again["completeness"][0]["source_count"], 500, "and all rows counted each time")


def altered_meanwhile(given, alter, then="SELECT 1", **params):
    """A check that has read the columns, and gets to the rows when somebody has altered them."""
    found = {}
    with given.session() as other:
        other.stdin.write(f"BEGIN; {alter};\n\\echo held\n")
        while other.stdout.readline() != "held\n":
            pass
        check = threading.Thread(target=lambda: found.update(one(given, TOOL, grace_s=0, **params)[1]))
        check.start()
        given.sql(WAITS)
        then() if callable(then) else given.sql(then)
        other.stdin.write("COMMIT;\n")
        other.stdin.close()
        check.join()
        other.wait()
    return found


def a_schema_may_change_meanwhile(version):
    with Given(version) as given:
        given.transport += PATIENT
        given.write()
        given.sql(LINES + "ALTER TABLE orders ADD COLUMN old text DEFAULT 'x'")
        copy(given, columns={**SMALL, "old": "text"})
        found = altered_meanwhile(given, "ALTER TABLE orders DROP COLUMN old")
        same(found)
        equal(detail_of(found)["rows_compared"], 500, "compared by the columns that are left")
        found = altered_meanwhile(given, "ALTER TABLE orders RENAME t TO words", scope="full")
        same(found, "mismatch")
        equal((detail_of(found)["missing_columns"], detail_of(found)["different"]), ("words", 0), "by another name, and no row")
        found = altered_meanwhile(given, "ALTER TABLE orders RENAME words TO t; ALTER TABLE orders ALTER updated_at TYPE text",
                                  scope="full")
        same(found)
        contains(detail_of(found)["columns_left_out"], "updated_at: text and timestamp")
        found = altered_meanwhile(given, "DROP TABLE orders", scope="full")
        contains(found["skipped"][0]["reason"], "there is no such table on the server")


def a_copy_that_is_written_to_meanwhile_was_not_pinned(version):
    with Given(version) as given:
        given.transport += PATIENT
        given.write()
        given.sql(LINES + "CREATE TABLE other AS SELECT 700 AS id, 'n'::text AS t, '2026-01-02'::timestamptz AS updated_at")
        copy(given, columns=SMALL)
        detail = look(given)[3]
        equal((detail["copy_read_at"], detail["copy_version_after"]), ("one version", detail["copy_version"]), "nobody wrote")
        synced = altered_meanwhile(given, "LOCK TABLE orders; INSERT INTO orders SELECT * FROM other", scope="full",
                                   then=lambda: copy(given, "other", key="k2", name="orders", columns=SMALL))
        same(synced)
        detail = detail_of(synced)
        holds(detail["copy_version_after"] > detail["copy_version"], detail)
        contains(detail["copy_read_at"], "not pinned")


def a_run_that_gets_too_long_keeps_its_book(version):
    pairs = [{"source": name, "target": f"main.public.{name}"} for name in ("orders", "held")]
    with Given(version) as given:
        given.transport += PATIENT
        given.write()
        given.sql(LINES + "CREATE TABLE held AS SELECT * FROM orders; ALTER TABLE held ADD PRIMARY KEY (id)")
        for name in ("orders", "held"):
            copy(given, name, columns=SMALL)
        with given.session() as other:
            other.stdin.write("BEGIN; LOCK TABLE held;\n\\echo held\n")
            while other.stdout.readline() != "held\n":
                pass
            cut = given.run(TOOL, pairs=pairs, grace_s=0, timeout=8)["result"]
            equal(([p["source"] for p in cut["integrity"]], cut["not_compared"]), (["orders"], 1), "one was compared in time")
            contains(str(cut["skipped"]), "this ended the run")
            other.stdin.write("COMMIT;\n")
            other.stdin.close()
            other.wait()
        then = given.run(TOOL, pairs=pairs, grace_s=0)["result"]["integrity"]
        equal([(p["source"], p["detail"]["scope"]) for p in then], [("orders", "moved"), ("held", "full")],
              "what was compared is known, and what took too long has had its turn")
        dear = given.run(TOOL, pairs=pairs, grace_s=0, full_every_s=0, full_budget_s=3)["result"]["integrity"]
        equal([(p["detail"]["scope"], p["detail"]["full_comparison_waits"]) for p in dear], [("moved", True)] * 2,
              "the attempt is charged")


def what_takes_too_long_is_compared_in_slices(version):
    with Given(version) as given:
        given.sql("CREATE TABLE orders (id int PRIMARY KEY, t text, updated_at timestamptz);"
                  "INSERT INTO orders SELECT i, 't' || i, '2026-01-01' FROM generate_series(1, 40000) AS i")
        copy(given, columns=SMALL)
        given.sql("UPDATE orders SET t = 'unseen' WHERE id = 39999")
        first = one(given, TOOL, grace_s=0, full_budget_s=1)[1]
        part = detail_of(first)
        equal((part["scope"], first["integrity"][0]["status"], part["keys_from"]), ("part", "healthy", None), "what fits the budget")
        holds(0 < part["rows_compared"] < 39999, part)
        contains(str(first["skipped"]), f"id of {part['keys_below']} or above are for the next runs")
        contains(one(given, TOOL, grace_s=0, scope="moved")[1]["skipped"][0]["reason"], "has to be compared once before")
        given.sql("UPDATE orders SET t = 'behind it', updated_at = '2026-02-01' WHERE id = 5")
        kind, status, rows, rest = look(given)
        equal((kind, status, rest["keys_from"], rest["keys_below"], rest["different_keys"], rows + part["rows_compared"]),
              ("part", "mismatch", part["keys_below"], None, ["39999"], 40000), "the next one goes on, to the end")
        change(given, 50000, "more", "2026-03-01")
        kind, status, _, moved = look(given)
        equal((kind, status, moved["different_keys"], moved["full_comparison_differs"]), ("moved", "mismatch", ["5"], True),
              "what has changed behind it is found, and what was found stands")


def a_slice_that_waits_leaves_all_of_it_waiting(version):
    with Given(version) as given:
        given.sql("CREATE TABLE orders (id int PRIMARY KEY, t text); INSERT INTO orders SELECT i, 't' || i FROM generate_series(1, 40000) AS i")
        copy(given, columns={"id": "integer", "t": "text"})
        given.sql("UPDATE orders SET t = 'new' WHERE id = 5")
        kind, status, _, first = look(given, full_budget_s=1)
        equal((kind, status, first["keys_from"], first["undecided"]), ("part", "waiting", None, 1), "the first slice")
        kind, status, _, rest = look(given)
        equal((kind, status, rest["keys_from"], rest["keys_below"], rest["undecided"], rest["full_comparison_undecided"]),
              ("part", "waiting", first["keys_below"], None, 0, True), "the rest is alike, and says nothing of the first one")
        given.sql("UPDATE orders SET t = 't5' WHERE id = 5")
        equal(look(given, scope="full")[:2], ("full", "healthy"), "all of it is")


KEYS = {"uuid": ({"k": "uuid"}, "md5(i::text)::uuid"),
        "text": ({"k": "text"}, "CASE i % 3 WHEN 0 THEN 'Ä' WHEN 1 THEN 'z' ELSE 'a-' END || i"),
        "time": ({"k": "timestamp with time zone"}, "'2020-01-01'::timestamptz + i * interval '7 seconds'"),
        "two": ({"place": "integer", "k": "text"}, "i % 3, 'k' || i / 3")}


def any_key_is_cut_in_slices(version):
    """By the digests of keys, as the two sides put texts in another order each; without a time that tells of rows in flight, too."""
    for kind, (types, key) in KEYS.items():
        with Given(version) as given:
            columns = {**types, "id": "integer", "t": "text"}
            given.sql(f"CREATE TABLE orders ({', '.join(map(' '.join, columns.items()))}, PRIMARY KEY ({', '.join(reversed(types))}));"
                      f"INSERT INTO orders SELECT {key}, i, 't' || i FROM generate_series(1, 40000) AS i")
            copy(given, columns=columns)
            given.sql("UPDATE orders SET t = 'unseen' WHERE t IN ('t7', 't39999'); DELETE FROM orders WHERE t = 't20000'")
            parts = []
            while not parts or parts[-1]["key_digests_below"] is not None:
                holds(len(parts) < 70, f"slices of {kind} come to an end: {parts[-1:]}")
                done = one(given, TOOL, grace_s=0, max_lag_s=0, full_every_s=0, full_budget_s=600 if parts else 1)[1]
                parts.append(detail_of(done))
                if len(parts) == 1:
                    contains(str(done["skipped"]), "a digest of their key of ")
            holds(len(parts) > 1, f"{kind}: slices")
            equal((parts[0]["scope"], parts[0]["keys_below"], parts[0]["key_digests_from"]), ("part", None, None), kind)
            equal([p["key_digests_from"] for p in parts[1:]], [p["key_digests_below"] for p in parts[:-1]], "one goes on with the next")
            equal(sum(p["rows_compared"] for p in parts), 39999, f"{kind}: each row is in one slice")
            equal([sum(p[n] for p in parts) for n in ("different", "missing", "extra")], [2, 0, 1], f"{kind}: what differs")
            equal({c for p in parts for c in p["different_columns"]}, {"t"}, "the column")


MANY = """CREATE TABLE orders (id int PRIMARY KEY, t text, updated_at timestamptz);
INSERT INTO orders SELECT i, 't' || i, '2026-01-01' FROM generate_series(1, 80000) AS i"""


def first_slice(given):
    """All of it has been compared once, by somebody who did not wait, which the day's budget has to pay for."""
    for budget in range(1, 100):
        kind, status, _, detail = look(given, full_every_s=0, full_budget_s=budget)
        if kind != "moved":
            equal((kind, detail["keys_from"]), ("part", None), "a slice")
            return status, detail
    raise AssertionError("no budget allows for a slice")


def what_a_slice_found_stands(version):
    with Given(version) as given:
        given.sql(MANY)
        copy(given, columns=SMALL)
        equal(look(given, scope="full")[:2], ("full", "healthy"), "all of it once, so that what has moved can be told")
        given.sql("UPDATE orders SET t = 'unseen' WHERE id = 9")
        status, first = first_slice(given)
        equal((status, first["different_keys"]), ("mismatch", ["9"]), "found")
        kind, status, _, moved = look(given, scope="moved")
        equal((kind, status, moved["full_comparison_differs"]), ("moved", "mismatch", True), "it stands between two slices")
        document, result = one(given, TOOL, grace_s=0, full_every_s=0, full_budget_s=600)
        rest = detail_of(result)
        equal((rest["scope"], result["integrity"][0]["status"], rest["keys_from"], rest["keys_below"], rest["different"],
               rest["full_comparison_differs"]), ("part", "mismatch", first["keys_below"], None, 0, True), "in the last slice, too")
        contains(result["findings"][0]["reason"], "in those of others still stand")
        equal(look(given, scope="moved")[:2], ("moved", "mismatch"), "and behind it")


def what_slices_do_not_find_again_is_over(version):
    with Given(version) as given:
        given.sql(MANY)
        copy(given, columns=SMALL)
        given.sql("UPDATE orders SET t = 'unseen' WHERE id = 79999")
        equal(look(given, scope="full")[:2], ("full", "mismatch"), "all of it")
        given.sql("UPDATE orders SET t = 't79999' WHERE id = 79999")
        status, first = first_slice(given)
        equal((status, first["different"], first["full_comparison_differs"]), ("mismatch", 0, True), "it may be in the rest")
        kind, status, _, rest = look(given, full_every_s=0, full_budget_s=600)
        equal((kind, status, rest["keys_from"], rest["keys_below"], rest["full_comparison_differs"]),
              ("part", "healthy", first["keys_below"], None, False), "all of it has been looked at again")
        equal(look(given, scope="moved")[:2], ("moved", "healthy"), "and so it stays")


def slices_are_measured_without_the_count(version):
    """Counting waits for a lock here. If that were taken for comparing, the next slice would have a few rows."""
    with Given(version) as given:
        given.transport += PATIENT
        given.write()
        given.sql("CREATE TABLE orders (id int PRIMARY KEY, t text, updated_at timestamptz);"
                  "INSERT INTO orders SELECT i, 't' || i, '2026-01-01' FROM generate_series(1, 40000) AS i")
        copy(given, columns=SMALL)
        first = detail_of(altered_meanwhile(given, "LOCK TABLE orders", then="SELECT pg_sleep(4)", full_budget_s=1))
        equal(first["scope"], "part", "a slice")
        kind, status, _, rest = look(given, full_budget_s=22)
        equal((kind, status, rest["keys_from"], rest["keys_below"]), ("part", "healthy", first["keys_below"], None), "the rest in one")


def parts_of_many_rows_are_cut_again(version):
    """Keys that lie close together, with much nothing in between: one part has 20,000 rows, another one 10,000."""
    with Given(version) as given:
        given.sql("CREATE TABLE orders (id int PRIMARY KEY, t text, updated_at timestamptz);"
                  "INSERT INTO orders SELECT id, 't', '2026-01-01' FROM (SELECT generate_series(1, 20000) UNION ALL"
                  " SELECT generate_series(400000001, 400010000) UNION ALL SELECT 1000000000) AS ids(id)")
        copy(given, columns=SMALL)
        given.sql("UPDATE orders SET t = 'other' WHERE id IN (777, 19999, 400000077); DELETE FROM orders WHERE id IN (5, 400000005);"
                  "INSERT INTO orders VALUES (400010001, 'new', '2026-01-01')")
        kind, status, rows, detail = look(given, max_lag_s=0)
        equal((kind, status, rows, detail["parts_differ"], detail["cut"]), ("full", "mismatch", 30000, 2, False), "both are looked into")
        equal((sorted(detail["missing_keys"]), sorted(detail["extra_keys"])), (["400010001"], ["400000005", "5"]), "rows")
        equal(dict(zip(detail["different_keys"], detail["different_columns"])), {"777": "t", "19999": "t", "400000077": "t"}, "columns")
        equal((detail["missing"], detail["extra"], detail["different"]), (1, 2, 3), "and how many")
        given.sql("DELETE FROM orders WHERE id = 1000000000")
        kind, status, rows, detail = look(given, scope="full", max_lag_s=0)
        equal((status, detail["cut"], sorted(detail["extra_keys"])), ("mismatch", False, ["1000000000", "400000005", "5"]),
              "rows past the keys of the table are looked into as well")


def a_part_that_is_too_large_hides_no_other(version):
    with Given(version) as given:
        given.sql("CREATE TABLE orders (id int PRIMARY KEY, t text, updated_at timestamptz);"
                  "INSERT INTO orders SELECT id, 't', '2026-01-01' FROM (SELECT generate_series(1, 200001) UNION ALL"
                  " SELECT generate_series(400000001, 400000100) UNION ALL SELECT 1000000000) AS ids(id)")
        copy(given, columns=SMALL)
        flies = "UPDATE orders SET t = 'new', updated_at = now() WHERE id = 5"
        lands = "UPDATE orders SET t = 't', updated_at = '2026-01-01' WHERE id = 5"
        given.sql(flies)
        kind, status, _, detail = look(given)
        equal((kind, status, detail["cut"]), ("full", "waiting", True), "it may differ by what is on its way alone")
        equal(look(given, scope="full", max_lag_s=0)[1], "mismatch", "not for ever")
        given.sql(lands)
        equal(look(given, scope="full")[1], "healthy", "alike")
        given.sql(flies)
        equal(look(given, scope="full")[1], "waiting", "which begins anew")
        given.sql(lands)
        given.sql("UPDATE orders SET t = 'other' WHERE id IN (777, 400000077); DELETE FROM orders WHERE id = 1000000000")
        kind, status, rows, detail = look(given, scope="full", max_lag_s=0)
        equal((status, detail["cut"], detail["parts_differ"]), ("mismatch", True, 3), "one is not looked into")
        equal((detail["different_keys"], detail["extra_keys"]), (["400000077"], ["1000000000"]), "the others are")


def what_always_flies_in_a_part_that_is_too_large_is_unknown(version):
    """Until the source has the same rows there as before the copy was synced, and the copy has not."""
    with Given(version) as given:
        given.sql("CREATE TABLE orders (id int PRIMARY KEY, t text, updated_at timestamptz);"
                  "INSERT INTO orders SELECT id, 't', '2026-01-01' FROM (SELECT generate_series(1, 200001) UNION ALL"
                  " SELECT 1000000000) AS ids(id)")
        copy(given, columns=SMALL)

        def flies(key):
            given.sql(f"UPDATE orders SET t = 'new', updated_at = now() WHERE id = {key}")

        def syncs(key):
            given.sql(f"INSERT INTO orders VALUES ({key}, 'synced', now())")
            copy(given, key=f"from-{key}", first=key, columns=SMALL)

        flies(5)
        _, status, _, detail = look(given)
        equal((status, detail["cut"], detail["cut_why"]), ("waiting", True, "in flight, too many to follow"), "nobody knows")
        given.sql("UPDATE orders SET t = 't', updated_at = '2026-01-01' WHERE id = 5")
        syncs(1010000000)  # the range of keys grows
        flies(6)
        _, status, _, detail = look(given, scope="full")
        equal((status, detail["cut"]), ("waiting", True), "another row flies")
        syncs(1020000000)
        equal(look(given, scope="full")[1], "waiting", "the source has other rows there by now")
        syncs(1030000000)
        _, status, _, detail = look(given, scope="full")
        equal((status, detail["cut"], detail.get("cut_why")), ("mismatch", True, None), "the same ones, and the copy was synced since")


def what_is_not_compared_is_not_healthy(version):
    full = {"catalog": "main", "grace_s": 0}
    with Given(version) as given:
        given.sql("CREATE TABLE orders (id int PRIMARY KEY, t text, updated_at timestamptz)")
        copy(given, columns=SMALL)
        first, then = (given.run("run_full_sync_validation", **full)["result"] for _ in range(2))
        equal((first["healthy"], first["not_compared"]), (1, 0), "nothing here nor there")
        equal((then["healthy"], then["issues"], then["not_compared"], then["integrity"][0]["status"]), (0, 0, 1, "not_compared"),
              "and no time tells what has moved since")
        contains(then["skipped"][0]["reason"], "no time in the copy tells")
        given.sql("INSERT INTO orders VALUES (1, 'lost', now() - interval '9 days')")
        equal(given.run("run_full_sync_validation", scope="full", **full)["result"]["integrity"][0]["status"], "mismatch", "lost")
        last = given.run("run_full_sync_validation", **full)["result"]
        equal((last["issues"], last["integrity"][0]["status"]), (1, "mismatch"), "which stands until all of it is compared anew")


suite(*each_version(every_type_has_one_digest, differences_are_named, rows_in_flight_are_no_alarm,
                    what_was_loaded_at_once_is_compared_when_it_had_its_time, what_is_misspelt_is_said, half_a_key_is_none, what_limits_a_check_is_said_once,
                    a_deleted_row_is_in_flight,
                    without_a_time_a_difference_waits_for_the_next_sync, many_rows_wait_each_for_itself,
                    without_a_key_what_is_lost_is_told_at_once, rows_in_flight_in_many_parts_are_no_alarm,
                    a_late_first_write_is_looked_at, many_deleted_rows_are_known_again,
                    counts_know_of_rows_that_are_deleted, other_keys_and_none,
                    what_cannot_be_compared_is_said, what_has_moved_is_compared, a_schema_may_change_meanwhile,
                    a_copy_that_is_written_to_meanwhile_was_not_pinned),
      *each_version(all_of_it_is_compared_when_it_is_due)[-1:], *each_version(a_run_that_gets_too_long_keeps_its_book)[-1:],
      *each_version(what_is_not_compared_is_not_healthy)[-1:], *each_version(a_branch_that_is_made_again_is_compared_anew),
      *each_version(what_takes_too_long_is_compared_in_slices)[-1:], *each_version(a_slice_that_waits_leaves_all_of_it_waiting)[-1:],
      *each_version(any_key_is_cut_in_slices), *each_version(what_a_slice_found_stands)[-1:], *each_version(what_slices_do_not_find_again_is_over)[-1:],
      *each_version(slices_are_measured_without_the_count)[-1:], *each_version(parts_of_many_rows_are_cut_again)[-1:],
      *each_version(a_part_that_is_too_large_hides_no_other)[-1:],
      *each_version(what_always_flies_in_a_part_that_is_too_large_is_unknown)[-1:])
