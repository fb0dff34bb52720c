"""validate_sync_integrity: checksums that are equal where rows are, and the rows and columns where they are not."""
from place import Given, contains, each_version, equal, holds, suite
from sync_place import copy, detail_of, make, one, rows_of, same

TOOL = "validate_sync_integrity"


def every_type_has_one_digest(version):
    with Given(version) as given:
        make(given)
        copy(given)
        document, result = one(given, TOOL, grace_s=0)
        same(result)
        found = result["integrity"][0]
        equal(found["source_checksum"], found["target_checksum"], "checksums")
        equal(found["key_columns"], ["id"], "the primary key")
        equal(detail_of(result)["columns_left_out"], None, "no column is left out")
        equal(detail_of(result)["rows_compared"], int(given.sql("SELECT count(*) FROM orders")), "all rows")
        again = one(given, TOOL, grace_s=0)[1]["integrity"][0]
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
        document, result = one(given, TOOL, grace_s=0)
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
                        timestamp_column="nothing")["result"]["integrity"][0]["status"], "mismatch",
              "without a time they cannot be told")


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
        found = given.run(TOOL, catalog="main", **params)["result"]["integrity"]
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


suite(*each_version(every_type_has_one_digest, differences_are_named, rows_in_flight_are_no_alarm, other_keys_and_none,
                    what_cannot_be_compared_is_said))
