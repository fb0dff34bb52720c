"""archive_cold_data_to_delta: each row is in exactly one place, whatever happens on the way."""

import concurrent.futures
import json
import os
import pathlib
import random
import re
import shlex
import signal
import subprocess
import threading
import time

import sync_place
from cold_place import COLD, DELTA, KINDS, ORDERS, Archive, only, rewrite
from health_place import on_each
from place import PROGRAM, TESTS, contains, each_version, equal, holds, suite

KILLS = 3 if os.environ.get("LBOPS_SANITIZED") else 50

def rows_leave_after_approval(version):
    with Archive(version) as place:
        place.sql(ORDERS)
        before = place.sql("SELECT id, note, amount FROM orders ORDER BY id").splitlines()
        cold = int(place.sql(COLD))
        planned = place.run("archive_cold_data_to_delta", plan=True, tables=["orders"], min_rows=1)
        equal((planned["result"]["archivals"][0]["status"], place.files("public_orders"), place.settled()),
              ("planned", [], []), "a plan does nothing")
        done = place.archive(check=3, tables=["orders"])
        told = done["result"]["archivals"][0]
        equal((told["status"], told["rows_exported"], told["ground"]),
              ("waiting", cold, "its default is the moment of the write"), "copied, and asked")
        equal(place.sql("SELECT count(*) FROM orders"), "1000", "nothing is deleted yet")
        equal(len(place.lake("public_orders", "id")), cold, "rows in the lakehouse")
        asked = only(place)
        evidence = asked["evidence"]
        equal((evidence["rows"], evidence["batches"]), (cold, (cold + 99) // 100), "the receipt")
        history = {r["step"]: r for r in place.waiting("data_archival_history")}
        equal((history["verify"]["rows_archived"], history["delete"]["status"], history["verify"]["checksum"]),
              (cold, "waiting", evidence["digest"]), "history")
        again = place.archive(check=3, tables=["orders"])
        equal(again["result"]["archivals"][0]["rows_exported"], 0, "nothing is copied twice")
        equal(len(place.lake("public_orders", "id")), cold, "nor twice in the lakehouse")
        place.approve(only(place)["id"])
        equal(place.sql(COLD), "0", "they are gone")
        kept = place.sql("SELECT id, note, amount FROM orders").splitlines()
        moved = ["|".join(row) for row in place.cold("public_orders", "id, note, amount")]
        equal(sorted(kept + moved), sorted(before), "each row once, as it was")
        equal(place.cold("public_orders", "DISTINCT tags, doc, raw::VARCHAR"),
              [['["a", null, "b,c"]', '{"k": [1, null]}', "\\x00\\xFF"]], "other types")
        after = place.archive(tables=["orders"])
        equal(after["result"]["archivals"][0]["status"], "no_cold_data", "nothing is left")
        events = [e["payload"] for e in after["events"] if e["type"] == "cold_data.archived"]
        equal([(e["table"], e["rows"]) for e in events], [("orders", cold)], "told once")
        equal([r["rows_deleted"] for r in place.waiting("data_archival_history")
               if (r["step"], r["status"]) == ("delete", "success")], [cold], "written once")
        last = place.archive(tables=["orders"])
        equal([e for e in last["events"] if e["type"] == "cold_data.archived"], [], "and not again")


def fewer_than_are_worth_it_are_told(version):
    with Archive(version) as place:
        place.sql(ORDERS)
        cold = int(place.sql(COLD))
        done = place.archive(tables=["orders"], min_rows=cold + 1)["result"]
        equal(done["archivals"][0]["status"], "no_cold_data", "nothing leaves")
        equal([s["reason"] for s in done["skipped"]], [f"{cold} cold rows are left where they are: min_rows is {cold + 1}"], "and why")
        place.sql("DELETE FROM orders WHERE placed_at < now() - interval '90 days'")
        equal(place.archive(tables=["orders"], min_rows=2)["result"]["skipped"], [], "of none there is nothing to say")


def the_way_back_that_a_person_reads_is_one(version):
    """What a request says under undo brings the rows back, word by word; of more than come at once it says where to go on."""
    with Archive(version) as place:
        place.sql(ORDERS + 'ALTER TABLE orders RENAME TO "My orders"')
        place.archive(check=3, tables=["My orders"])
        asked, cold = only(place), int(place.sql(COLD.replace("orders", '"My orders"')))
        place.approve(asked["id"])
        words = shlex.split(asked["undo"])
        equal(words[:3], ["lbops", "run", "restore_archived_rows"], "a command")
        place.cli(*words[1:], check=3)
        place.approve(only(place)["id"])
        equal(place.sql(COLD.replace("orders", '"My orders"')), str(cold), "all of them are back")
        place.sql("CREATE TABLE many (id int PRIMARY KEY, at timestamptz DEFAULT now());"
                  "INSERT INTO many SELECT n, '2020-01-01' FROM generate_series(1, 10500) n; ANALYZE many")
        place.archive(check=3, tables=["many"], batch_rows=5000)
        undo = only(place)["undo"]
        archival = undo.partition("'[\"")[2].partition(".")[0]
        contains(undo, f"--batches '[\"{archival}.1\"]', and so on to {archival}.3: at most 10000 rows come back at once")


def an_archival_goes_on_by_the_column_that_it_began_with(version):
    """Whatever is named meanwhile; and the result does not say that it was named."""
    with Archive(version) as place:
        place.sql(ORDERS + "ALTER TABLE orders ADD seen_at timestamptz; UPDATE orders SET seen_at = placed_at; ANALYZE orders")
        place.archive(check=3, tables=["orders"], time_columns=["orders=placed_at"])

        def told(column):
            one = place.archive(check=3, tables=["orders"], time_columns=[f"orders={column}"])["result"]["archivals"][0]
            return one["time_column"], one["ground"]
        equal(told("seen_at"), ("placed_at", "the archival that is under way began with it"), "another column is named")
        equal(told("placed_at"), ("placed_at", "named by time_columns"), "the same one is")


def what_changed_since_stays(version):
    with Archive(version) as place:
        place.sql(ORDERS)
        cold = int(place.sql(COLD))
        place.archive(check=3, tables=["orders"])
        place.sql("UPDATE orders SET v = 1 WHERE id = 5; DELETE FROM orders WHERE id = 150;"
                  "INSERT INTO orders (id, placed_at) VALUES (0, now() - interval '1 year')")
        place.approve(only(place)["id"])
        equal(place.sql("SELECT count(*) FROM orders WHERE id <= 200"), "200", "two batches stay whole")
        equal(len(place.cold("public_orders", "id")), cold - 200, "the others went")
        done = place.archive(tables=["orders"])
        equal([(g["rows_exported"], g["rows_now"]) for g in done["result"]["given_up"]], [(100, 101), (100, 99)], "told")
        place.archive(check=3, tables=["orders"])
        place.approve(only(place)["id"])
        equal(place.sql(COLD), "0", "with the next archival they go too")
        ids = sorted(int(i) for (i,) in place.cold("public_orders", "id"))
        equal(ids, [i for i in range(cold + 1) if i != 150], "each of them once")
        equal([r for r in place.cold("public_orders", "id, v") if r[0] == "5"], [["5", "1"]], "as it was when it left")
        holds(len(place.lake("public_orders", "id")) > len(ids), "what was given up is there, and does not count")


def the_same_change_in_two_rows_stays(version):
    """Rows whose hashes are each other's complement in the bits that the change turns over: in a sum of them it cancels out."""
    with Archive(version) as place:
        place.sql("CREATE TABLE o (id int PRIMARY KEY, paid bool NOT NULL, at date NOT NULL); ANALYZE o;"
                  "INSERT INTO o SELECT id, false, '2020-01-01' FROM (SELECT generate_series(1, 100) UNION VALUES (1063), (4293),"
                  " (54367)) AS ids(id)")
        words = {"tables": ["o"], "time_columns": ["o=at"], "batch_rows": 1000}
        for pair in ("66, 54367", "1063, 4293"):
            place.archive(check=3, **words)
            place.sql(f"UPDATE o SET paid = true WHERE id IN ({pair})")
            place.approve(only(place)["id"])
            equal(place.sql("SELECT count(*) FROM o"), "103", f"what was copied has {pair} unpaid")
            equal([g["rows_exported"] for g in place.archive(**words)["result"]["given_up"]], [103], "it does not count")
        place.archive(check=3, **words)
        place.approve(only(place)["id"])
        equal(place.sql("SELECT count(*) FROM o"), "0", "gone")
        equal(sorted(int(i) for i, paid in place.cold("public_o", "id, paid") if paid == "true"), [66, 1063, 4293, 54367], "as they were")


def a_wide_table_leaves_in_several_groups(version):
    """Each batch's statement names all columns, and what waits for an approval has its bounds."""
    with Archive(version) as place:
        names = ", ".join(f'"Column_{n}_of_a_table_that_has_very_many_of_them" text' for n in range(300))
        place.sql(f"CREATE TABLE wide (id int PRIMARY KEY, at date NOT NULL, {names});"
                  "INSERT INTO wide SELECT n, '2020-01-01' FROM generate_series(1, 55) n; ANALYZE wide")
        words = {"tables": ["wide"], "time_columns": ["wide=at"], "batch_rows": 1}
        place.archive(check=3, **words)
        asked = place.approvals()
        holds(len(asked) > 1, f"{len(asked)} groups")
        equal(sum(a["evidence"]["rows"] for a in asked), 55, "all of it is asked for")
        holds(all("those of batches" in a["title"] for a in asked), [a["title"] for a in asked])
        equal([r["rows_archived"] for r in place.waiting("data_archival_history") if r["status"] == "waiting"], [55], "history")
        long = max(asked, key=lambda a: len(a["plan"]))
        listed, whole = place.cli("approvals", check=0).stdout, place.cli("approvals", long["id"], check=0).stdout
        holds(f"    ... and {len(long['plan']) - 3} more: lbops approvals {long['id']}\n" in listed, "a list shows what it is about")
        holds("more: lbops approvals" not in whole and len(whole.splitlines()) > len(long["plan"]), "and one by its id is whole")
        place.approve(asked[0]["id"])
        equal(int(place.sql("SELECT count(*) FROM wide")), 55 - asked[0]["evidence"]["rows"], "one group is gone")
        place.archive(check=3, **words)
        equal([a["id"] for a in place.approvals()], [a["id"] for a in asked[1:]], "what waits is known again")
        for a in asked[1:]:
            place.approve(a["id"])
        equal(place.sql("SELECT count(*) FROM wide"), "0", "all of it is gone")
        equal(sorted(int(i) for (i,) in place.cold("public_wide", "id")), list(range(1, 56)), "each row is there once")


FAT = """
CREATE TABLE fat (id int PRIMARY KEY, at date NOT NULL, doc jsonb, note text, raw bytea);
INSERT INTO fat SELECT n, '2020-01-01', jsonb_build_object('x', repeat('y', 3000000)) FROM generate_series(1, 56) n;
INSERT INTO fat SELECT n, '2020-01-01', '{}', repeat('y', 3000000 * (n % 2)), repeat('y', 3000000 * (1 - n % 2))::bytea
  FROM generate_series(57, 66) n;
INSERT INTO fat SELECT n, '2020-01-01' FROM generate_series(67, 366) n; ANALYZE fat;
"""


def wide_rows_leave_in_small_batches(version):
    """Compressed where they lie, so that the table's size does not tell what they come to."""
    with Archive(version) as place:
        place.sql(FAT)
        words = {"tables": ["fat"], "time_columns": ["fat=at"], "batch_rows": 200}
        told = place.archive(check=3, **words)["result"]["archivals"][0]
        equal((told["status"], told["rows_exported"]), ("waiting", 366), "copied, and asked")
        batches = [row[0] for row in place.lake("public_fat", "count(*), lbops_batch", "true GROUP BY lbops_batch")]
        holds(13 <= len(batches) <= 15, f"66 rows of 3 MB in batches of 16, and 300 small ones: {batches}")
        place.approve(only(place)["id"])
        equal((place.sql("SELECT count(*) FROM fat"), len(place.cold("public_fat", "DISTINCT id"))), ("0", 366), "each once")
        place.write(DELTA + "memory_mb = 64\n")
        place.sql("INSERT INTO fat VALUES (1000, '2020-01-01', NULL, repeat('y', 45000000))")
        error = place.archive(check=1, **words)["error"]
        holds("Out of Memory" in error["message"] and "--batch_rows" in error["hint"], error)


def values_that_were_altered_on_the_way_stay(version):
    """The digests that came along with the rows are as they were: only what is read back tells."""
    with Archive(version) as place:
        place.sql(ORDERS)
        cold = int(place.sql(COLD))
        place.archive(check=3, tables=["orders"])
        path = sorted(place.files("public_orders"))[0]
        whole = pathlib.Path(path).read_bytes()
        (least,), = place.duck.ask(f"SELECT min(id) FROM read_parquet('{path}')")
        for column, other in (("note", "upper(note)"), ("note", "nullif(note, note)"), ("amount", "amount + 0.01"),
                              ("placed_at", "placed_at + INTERVAL 1 MICROSECOND"),
                              ("tags", "replace(tags, 'null', '\"null\"')"), ("v", "v + 1"),
                              ("lbops_values", "NULL::VARCHAR")):
            place.sql("DELETE FROM lbops_archive.steps")  # as if it had been cut off when all was copied and nothing proven
            rewrite(place, path, f"CASE WHEN id = {least} THEN {other} ELSE {column} END AS {column}")
            error = place.archive(check=1, tables=["orders"])["error"]
            equal(error["code"], "conflict", f"{column}: {error}")
            holds(re.search(f"1 of (100|{cold % 100}) rows of batch .* the one with the key {least};$", error["message"]), error)
            holds("nothing was deleted" in error["hint"], error)
            equal((place.sql("SELECT count(*) FROM orders"), place.settled()), ("1000", []), "nothing was deleted")
            pathlib.Path(path).write_bytes(whole)
        place.cli("deny", only(place)["id"], "--as", "anna", "--because", "it was altered")
        place.archive(tables=["orders"], abandon=True)
        place.archive(check=3, tables=["orders"])
        place.approve(only(place)["id"])
        equal((place.sql(COLD), len(place.cold("public_orders", "DISTINCT id"))), ("0", cold), "copied again they leave")


PEOPLE = """
CREATE TABLE people (mail text, n numeric(5), at timestamptz DEFAULT now(), a text, b text, c text, PRIMARY KEY (mail, n));
INSERT INTO people VALUES ('anna@example.org', 7, now() - interval '1 year', 'a;:b', NULL, NULL);
"""


def no_two_rows_have_one_text(version):
    """Values that the signs between cells could make one of; and the key of a row may be somebody's address."""
    with Archive(version) as place:
        place.sql(PEOPLE)
        digests = []
        for at_home, ways in (("'a;:b', NULL, NULL", ("'a' AS a, 'b;' AS c", "'a;' AS a, 'b' AS c", "'a^2:b' AS a", "'a;;:b' AS a")),
                              ("'^1', '', ';'", ("';' AS a", "'^' AS a", "'^2' AS c", "NULL::VARCHAR AS b"))):
            place.sql(f"UPDATE people SET (a, b, c) = ROW ({at_home})")
            done = place.archive(check=3, tables=["people"], time_columns=["people=at"], batch_rows=1)
            equal(done["result"]["archivals"][0]["rows_exported"], 1, "proven as it is")
            path = max(place.files("public_people"), key=os.path.getmtime)
            whole = pathlib.Path(path).read_bytes()
            for way in ways:
                rewrite(place, path, way)
                error = place.archive(check=1, tables=["people"], time_columns=["people=at"])["error"]
                equal(error["code"], "conflict", f"{at_home}: {way}: {error}")
                holds("anna" not in json.dumps(error) and " 1 of 1 rows of batch " in error["message"], error)
                digests.append(error["message"].rsplit(" ", 1)[1])
                pathlib.Path(path).write_bytes(whole)
            place.cli("deny", only(place)["id"], "--as", "anna", "--because", "other values come")
            place.archive(tables=["people"], time_columns=["people=at"], abandon=True)
        equal(set(digests), {place.sql("SELECT md5(mail || ';' || n || ';') FROM people")}, "by its digest it can be found")


def forget_values(place):
    """The archive as the version before had it, which kept nothing to prove it by."""
    for path in sorted((place.folder("public_orders") / "_delta_log").glob("*.json")):
        actions = [json.loads(line) for line in path.read_text().splitlines()]
        for action in actions:
            if "metaData" in action:
                schema = json.loads(action["metaData"]["schemaString"])
                schema["fields"] = [field for field in schema["fields"] if field["name"] != "lbops_values"]
                action["metaData"]["schemaString"] = json.dumps(schema)
        path.write_text("".join(json.dumps(action) + "\n" for action in actions))
    for path in place.files("public_orders"):
        rewrite(place, path, "v AS v", "* EXCLUDE (lbops_values)")


def what_there_is_no_proof_of_is_copied_again(version):
    """Noted by an earlier version, or cut off before it was: in an archive with the column for a proof, and without."""
    for way in ("noted", "cut off", "no column"):
        with Archive(version) as place:
            place.sql(ORDERS)
            cold = int(place.sql(COLD))
            batches = place.archive(check=3, tables=["orders"])["result"]["archivals"][0]["batches"]
            asked = only(place)["id"]
            if way == "noted":
                path = sorted(place.files("public_orders"))[0]
                whole = pathlib.Path(path).read_bytes()
                rewrite(place, path, "upper(note) AS note")
                error = place.archive(check=1, tables=["orders"])["error"]
                holds(error["code"] == "conflict" and "do not have the values" in error["message"], f"read back each time: {error}")
                pathlib.Path(path).write_bytes(whole)
            else:
                place.sql("DELETE FROM lbops_archive.steps")
            if way == "no column":
                forget_values(place)
            for path in place.files("public_orders") if way != "no column" else ():
                rewrite(place, path, "NULL::VARCHAR AS lbops_values")
            given_up = place.archive(check=None, tables=["orders"])["result"]
            equal((len(given_up["given_up"]), given_up["archivals"][0]["status"], given_up["archivals"][0]["rows_exported"]),
                  (batches, "given_up", 0), way)
            holds("kept no lbops_values to prove it by" in given_up["given_up"][0]["reason"], given_up)
            place.approve(asked, check=None)
            equal((place.sql("SELECT count(*) FROM orders"), place.settled()), ("1000", []), f"{way}: nothing was deleted")
            again = place.archive(check=3, tables=["orders"])["result"]["archivals"][0]
            equal((again["rows_exported"], again["status"]), (cold, "waiting"), f"{way}: copied again, and proven")
            place.approve(only(place)["id"])
            equal((place.sql(COLD), len(place.cold("public_orders", "DISTINCT id"))), ("0", cold), f"{way}: they leave")


def values_of_every_type_are_proven_equal(version):
    with Archive(version, kind="throwaway") as place:
        sync_place.make(place, "kinds")
        place.sql(KINDS)
        due = int(place.sql("SELECT count(updated_at) FROM kinds"))
        done = place.archive(tables=["kinds"], time_columns=["kinds=updated_at"], batch_rows=1000)
        equal((done["result"]["archivals"][0]["status"], done["result"].get("given_up")), ("deleted", None), "nothing is taken for altered")
        equal(place.sql("SELECT count(updated_at) FROM kinds"), "0", "all that is due has left")
        equal(len(place.cold("public_kinds", "id")), due, "and is there")


def a_column_that_came_since_stays(version):
    """In the middle of the deletion, of which no person is asked again."""
    with Archive(version, kind="throwaway") as place:
        place.sql(ORDERS)
        cold = int(place.sql(COLD))
        with place.start("run", "archive_cold_data_to_delta", "--branch", place.branch, "--tables", '["orders"]', "--min_rows", "1",
                         "--batch_rows", "50", "--pause_ms", "300") as run:
            place.wait(place.settled)
            place.sql("ALTER TABLE orders ADD COLUMN since text DEFAULT 'kept'")
            run.wait()
        left = int(place.sql(COLD))
        holds(0 < left < cold, f"{left} of {cold} rows stay")
        equal(left + len(place.cold("public_orders", "id")), cold, "each in one place")
        done = place.archive(tables=["orders"])
        holds(done["result"]["given_up"], "they are not what was copied")
        while place.archive(tables=["orders"])["result"]["archivals"][0]["status"] != "no_cold_data":
            pass
        equal((place.sql(COLD), len(place.cold("public_orders", "DISTINCT id"))), ("0", cold), "all of it has left")
        equal(len([row for row in place.cold("public_orders", "since") if row == ["kept"]]), left, "with what the column said")


def rows_that_others_refer_to_stay(version):
    with Archive(version, kind="throwaway") as place:
        place.sql(ORDERS + """
CREATE TABLE items (id int, order_id bigint REFERENCES orders ON DELETE CASCADE);
INSERT INTO items VALUES (1, 3), (2, 700);
CREATE TABLE "Two Keys" ("A" int, b text COLLATE "C", at date DEFAULT current_date, up bigint, PRIMARY KEY ("A", b));
INSERT INTO "Two Keys" SELECT n % 10, 'x' || n, current_date - n, NULL FROM generate_series(1, 300) n; ANALYZE "Two Keys";
CREATE TABLE keyless (at timestamptz DEFAULT now()); CREATE TABLE held AS SELECT * FROM orders;
""")
        done = place.archive(tables=["orders", "Two *", "keyless", "held"], legal_hold=["held"],
                             time_columns=["public.Two Keys=at"])
        equal({a["table"]: a["status"] for a in done["result"]["archivals"]},
              {"public.orders": "deleted", "public.Two Keys": "deleted"}, "a throwaway branch asks nobody")
        equal(place.sql("SELECT id FROM orders WHERE placed_at < now() - interval '90 days'"), "3", "referred to")
        equal(place.sql("SELECT count(*) FROM items"), "2", "nobody's rows went along")
        equal(place.sql('SELECT count(*), min(at) > current_date - 91 FROM "Two Keys"'), "90|t", "a key of two columns")
        equal(len(place.cold("public_Two Keys", '"A"')), 210, "and they are there")
        why = {s["object"]: s["reason"] for s in done["result"]["skipped"]}
        equal(why["public.held"], "it is under legal hold", "held")
        holds("no primary key" in why["public.keyless"], str(why))
        equal(sorted(e["payload"]["table"] for e in done["events"] if e["type"] == "cold_data.archived"),
              ["Two Keys", "orders"], "told in the same run")


EVENTS = """
CREATE TABLE events (id bigint, at timestamptz NOT NULL, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE SCHEMA "Old Ones";
DO $$ DECLARE cut timestamptz := now() - interval '100 days'; BEGIN
  EXECUTE format('CREATE TABLE "Old Ones"."events old" PARTITION OF events FOR VALUES FROM (MINVALUE) TO (%L)', cut);
  EXECUTE format('CREATE TABLE events_new PARTITION OF events FOR VALUES FROM (%L) TO (MAXVALUE)', cut);
END $$;
INSERT INTO events SELECT n, now() - n * interval '1 day' FROM generate_series(1, 400) n;
"""


def a_hold_that_came_while_it_waited_is_kept(version):
    """What a person has put into the manifest since stands above the approval of another one."""
    with Archive(version) as place:
        place.sql(ORDERS + EVENTS)
        free = place.manifest.read_text()
        own = "[agents.health.tool.archive_cold_data_to_delta]\n"
        nightly = f'{own}[[schedules]]\ntool = "archive_cold_data_to_delta"\ncron = "0 3 * * *"\nbranch = "{place.database[:-1]}?"\n'

        def approve_with(text, of):
            """Asked for without the hold, and approved with it."""
            place.manifest.write_text(free)
            place.archive(check=3, tables=[of], partitions_ahead=0)
            request = next(a for a in place.approvals() if f"public.{of}" in a["evidence"]["tables"])
            place.manifest.write_text(f"{free}\n{text}")
            error = json.loads(place.approve(request["id"], check=1).stdout)["error"]
            return error["code"], error["message"], request

        for held, of, where, text, line in (
                ("public.orders", "orders", "the tool's parameters", own, "public.ord*"),
                ("Old Ones.events old", "events", "the tool's parameters", own, "events old"),
                ("public.orders", "orders", "the tool's schedule 0 3 * * *", nightly, "orders"),
                ("Old Ones.events old", "events", "the tool's schedule late", nightly + 'name = "late"\n', "Old Ones.*")):
            code, message, asked = approve_with(f'{text}params = {{ legal_hold = ["{line}"] }}\n', of)
            equal((code, message.partition(", ")[0]), ("denied", f"{held} is held: legal_hold of {where} has {line}"), held)
        code, message, asked = approve_with(f'{own}params = {{ legal_hold = "orders" }}\n', "orders")
        equal((code, "public.orders is held" in message), ("denied", True), "a list of one, as it is")
        for text, line in ((own, "public.order"), (nightly, "Public.orders"), (nightly, "ORDERS*")):
            code, message, asked = approve_with(f'{text}params = {{ keep = ["public.invoices", "{line}"] }}\n', "orders")
            equal(code, "invalid", message)
            holds(f" names {line}, and there is no such table: did you mean public.orders?" in message, message)
        equal((place.sql("SELECT count(*) FROM orders"), place.sql("SELECT count(*) FROM events"), place.settled()),
              ("1000", "400", []), "nothing was deleted")
        place.manifest.write_text(f'{free}\n{own}params = {{ legal_hold = ["events old"] }}\n')
        done = place.archive(check=None, tables=["events"], partitions_ahead=0)
        holds("a partition of it, Old Ones.events old, is not to leave: it is under legal hold" in str(done["result"]["skipped"]), done)
        elsewhere = nightly.replace(f'branch = "{place.database[:-1]}?"', 'branch = "archive"')
        others = nightly.replace("archive_cold_data_to_delta", "identify_cold_data")
        place.manifest.write_text(free + "".join(f'\n{text}params = {{ legal_hold = ["orders"] }}\n' for text in (elsewhere, others)))
        again = place.archive(check=3, tables=["orders"])["result"]["archivals"][0]
        equal(again["rows_exported"], 0, "what was copied and proven still counts")
        place.approve(only(place)["id"])
        equal((place.sql(COLD), len(place.cold("public_orders", "DISTINCT id"))),
              ("0", asked["evidence"]["rows"]), "it has left when the hold has ended")


def a_hold_of_another_database_is_told(version):
    """The manifest's holds are for all targets of the tool, and this one has no such table."""
    with Archive(version, kind="throwaway") as place:
        place.sql(ORDERS + MONTHS)
        place.manifest.write_text(f'{place.manifest.read_text()}\n[agents.health.tool.archive_cold_data_to_delta]\n'
                                  'params = { legal_hold = ["public.invoices", "billing.*"], keep = ["public.ledger_*"] }\n')
        done = place.archive(tables=["orders", "months"])
        equal((place.sql(COLD), len(told(done, "made"))), ("0", 3), "rows leave, and partitions are made ahead")
        why = {s["object"]: s["reason"] for s in done["result"]["skipped"]}
        for line, list_name in (("public.invoices", "legal_hold"), ("billing.*", "legal_hold"), ("public.ledger_*", "keep")):
            equal(why[line], f"{list_name} names it, and no table here has that name or one like it: it holds none", "told")
        place.sql("CREATE TABLE invoice (id int)")
        error = place.archive(check=1, tables=["orders"])["error"]
        holds(error["code"] == "invalid" and "did you mean public.invoice?" in error["message"], error)


def a_hold_on_a_partition_is_about_leaving(version):
    with Archive(version, kind="throwaway") as place:
        place.sql(MONTHS)
        rows = place.sql("SELECT count(*) FROM months")
        held = place.sql("SELECT 'months_' || to_char(date_trunc('month', now()) - interval '8 month', 'YYYY_MM')")
        done = place.archive(tables=["months"], legal_hold=[held], partitions_ahead=2)
        holds(f"a partition of it, public.{held}, is not to leave" in str(done["result"]["skipped"]), done["result"])
        equal((place.sql("SELECT count(*) FROM months"), place.settled(), told(done, "dropped")), (rows, [], []), "nothing left")
        equal((len(told(done, "made")), place.sql(PARTS)), (2, "11"), "and there is room for what comes")
        done = place.archive(tables=["months"], keep=["months"], partitions_ahead=4)
        equal((len(told(done, "made")), place.sql(PARTS), place.sql("SELECT count(*) FROM months")), (2, "13", rows), "held as a whole")


def partitions_go_when_they_are_empty(version):
    with Archive(version, kind="throwaway") as place:
        place.sql(EVENTS)
        done = place.archive(tables=["events"])
        equal(done["result"]["archivals"][0]["status"], "deleted", "status")
        left = int(place.sql("SELECT count(*) FROM events"))
        holds(89 <= left <= 90, f"{left} are left")
        equal(len(place.cold("public_events", "id")), 400 - left, "they are there, from both partitions")
        equal(done["result"]["partitions"], [{"partition": "Old Ones.events old", "status": "dropped"}], "told")
        equal(place.sql("SELECT count(*) FROM pg_class WHERE relname IN ('events old', 'events_new')"), "1", "only one went")
        history = [r for r in place.waiting("data_archival_history") if r["step"] == "detach"]
        equal([r["partition_name"] for r in history], ["Old Ones.events old"], "history")
    with Archive(version) as place:
        place.sql(EVENTS)
        place.archive(check=3, tables=["events"])
        equal(place.sql("SELECT count(*) FROM events"), "400", "nothing goes before somebody says so")
        place.approve(only(place)["id"])
        place.archive(check=3, tables=["events"])
        asked = only(place)
        equal(asked["title"], "drop the empty partition Old Ones.events old", "asked when it is empty")
        place.sql("INSERT INTO events VALUES (1000, now() - interval '2 years')")
        place.approve(asked["id"], check=None)
        equal(place.sql("SELECT count(*) FROM events WHERE id = 1000"), "1", "a row that came meanwhile keeps it")


MONTHS = """
CREATE TABLE months (id bigint, at timestamptz NOT NULL, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
DO $$ BEGIN FOR k IN 0..8 LOOP
  EXECUTE format('CREATE TABLE months_%s PARTITION OF months FOR VALUES FROM (%L) TO (%L)',
                 to_char(date_trunc('month', now()) - k * interval '1 month', 'YYYY_MM'),
                 date_trunc('month', now()) - k * interval '1 month', date_trunc('month', now()) - (k - 1) * interval '1 month');
END LOOP; END $$;
INSERT INTO months SELECT n, date_trunc('month', now()) - n * interval '1 day' FROM generate_series(1, 240) n;
"""
PARTS = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'months'::regclass"


def told(done, status):
    return sorted(p["partition"] for p in done["result"].get("partitions", []) if p["status"] == status)


def partitions_are_made_ahead(version):
    with Archive(version, kind="throwaway") as place:
        place.sql(MONTHS + """
CREATE TABLE odd (id bigint PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE weeks (at date PRIMARY KEY) PARTITION BY RANGE (at); CREATE TABLE uneven (at timestamp PRIMARY KEY) PARTITION BY RANGE (at);
CREATE TABLE uneven_a PARTITION OF uneven FOR VALUES FROM ('2026-01-01') TO ('2026-01-05');
CREATE TABLE uneven_b PARTITION OF uneven FOR VALUES FROM ('2026-01-05') TO ('2026-01-06');
CREATE TABLE rest (at date PRIMARY KEY) PARTITION BY RANGE (at); CREATE TABLE "the rest" PARTITION OF rest DEFAULT;
ALTER TABLE weeks ADD COLUMN k int GENERATED ALWAYS AS IDENTITY, ADD COLUMN n int DEFAULT 7 CHECK (n > 3); CREATE INDEX ON weeks (n);
DO $$ DECLARE monday date := date_trunc('week', now()); BEGIN FOR k IN -2..0 LOOP
  EXECUTE format('CREATE TABLE %I PARTITION OF weeks FOR VALUES FROM (%L) TO (%L)', 'W ' || k, monday + k * 7, monday + k * 7 + 7);
  EXECUTE format('CREATE TABLE %I PARTITION OF rest FOR VALUES FROM (%L) TO (%L)', 'rest' || k, monday + k, monday + k + 1);
END LOOP;
INSERT INTO rest VALUES (monday + 1), (monday + 100); END $$;""")
        ahead = place.run("archive_cold_data_to_delta", plan=True, tables=["months"])["result"]
        equal(len([p for p in ahead["partitions"] if p["status"] == "planned"]), 3, "planned")
        equal(place.sql(PARTS), "9", "a plan makes none")
        done = place.run("archive_cold_data_to_delta", tables=["months", "odd", "weeks", "uneven", "rest"])
        months = [place.sql(f"SELECT 'public.months_' || to_char(date_trunc('month', now()) + interval '{k} month', 'YYYY_MM')")
                  for k in (1, 2, 3)]
        made = told(done, "made")
        equal([m for m in made if "public.months" in m], months, "three months ahead, named as the others")
        equal(place.sql("SELECT pg_get_expr(relpartbound, oid) = format('FOR VALUES FROM (%L) TO (%L)', date_trunc('month', now()) "
                        "+ interval '3 month', date_trunc('month', now()) + interval '4 month') FROM pg_class WHERE oid = "
                        f"'{months[2]}'::regclass"), "t", "and as long")
        equal(len([m for m in made if "weeks_p" in m]), 3, "weeks, whose names tell nothing")
        equal(place.sql("SELECT count(*) FROM pg_index WHERE indrelid::regclass::text LIKE 'weeks_p%'"), "6", "with their indexes")
        equal(place.sql("INSERT INTO weeks (at) VALUES (current_date + 10) RETURNING k, n"), "1|7", "and take rows")
        why = " ".join(f"{s['object']}: {s['reason']}" for s in done["result"]["skipped"])
        holds("uneven: no partitions are made ahead: its last partitions are of different lengths" in why, why)
        holds("rest: its next partitions could not be made" in why and "default partition" in why, why)
        again = place.run("archive_cold_data_to_delta", tables=["months", "weeks"])
        equal(told(again, "made"), [], "and none twice")
    with Archive(version) as place:
        place.sql(MONTHS)
        place.run("archive_cold_data_to_delta", tables=["months"], partitions_ahead=0)
        equal(place.sql(PARTS), "9", "with 0 none at all")
        place.run("archive_cold_data_to_delta", check=3, tables=["months"], partitions_ahead=2)
        asked = only(place)
        equal((asked["title"], len(asked["evidence"]["partitions"])), ("make 2 partitions of public.months ahead", 2), "one decision")
        place.approve(asked["id"])
        equal(place.sql(PARTS), "11", "made when somebody says so")


DAYS = """CREATE TABLE {0} (at date PRIMARY KEY) PARTITION BY RANGE (at); ALTER TABLE {0} OWNER TO {1};
DO $$ DECLARE today date := current_date; BEGIN FOR k IN -2..0 LOOP
  EXECUTE format('CREATE TABLE {0}_%s PARTITION OF {0} FOR VALUES FROM (%L) TO (%L)', to_char(today + k, 'YYYYMMDD'), today + k, today + k + 1);
  EXECUTE format('ALTER TABLE {0}_%s OWNER TO {1}', to_char(today + k, 'YYYYMMDD'));
END LOOP; END $$;"""


def partitions_are_their_owners(version):
    with Archive(version, kind="throwaway") as place:
        app, ops, guest = place.role("app", "NOLOGIN"), place.role("ops"), place.role("guest")
        place.sql(f"GRANT {app} TO {ops}; GRANT CREATE ON SCHEMA public TO {app}; SET timezone = 'UTC';"
                  + DAYS.format("days", app) + DAYS.format("gap", app) + f"GRANT SELECT ON days, gap TO {guest};"
                  "DO $$ BEGIN EXECUTE format('CREATE TABLE gap_%s ()', to_char(current_date + 2, 'YYYYMMDD')); END $$")
        place.be(guest)
        why = place.run("archive_cold_data_to_delta", tables=["days"])["result"]["skipped"]
        holds("its next partitions could not be made" in str(why), why)
        place.be(ops)
        done = place.run("archive_cold_data_to_delta", tables=["days", "gap"])
        made = told(done, "made")
        equal(len([m for m in made if "days" in m]), 8, "days until the next run")
        equal(len([m for m in made if "gap" in m]), 1, f"none behind one that is taken: {made}")
        holds("none is made from there on" in str(done["result"]["skipped"]), done["result"]["skipped"])
        place.sql(f"SET ROLE {app}; ALTER TABLE days ADD COLUMN note text; ALTER TABLE gap ADD COLUMN note text")


def read_from(reader, day):
    reader.stdin.write(f"BEGIN; SELECT count(*) FROM months WHERE at >= '{day}';\n\\echo read\n")
    while reader.stdout.readline() != "read\n":
        pass


def a_detach_waits_for_those_who_read(version):
    with Archive(version) as place, concurrent.futures.ThreadPoolExecutor(1) as pool:
        place.sql(MONTHS)
        words = {"tables": ["months"], "partitions_ahead": 0}
        place.archive(check=3, **words)
        place.approve(only(place)["id"])
        place.archive(check=3, **words)
        wanted = place.approvals()
        with place.session() as reader:
            read_from(reader, place.sql("SELECT date_trunc('month', now())"))
            waiting = pool.submit(place.approve, wanted[0]["id"])
            place.wait(lambda: place.sql("SELECT count(*) FROM pg_inherits WHERE inhdetachpending") == "1")
            reader.stdin.close()
            reader.wait()
            waiting.result()
        equal(int(place.sql(PARTS)), 8, "gone under the one approval")
        place.archive(check=3, **words)
        equal(len(place.approvals()), len(wanted) - 1, "and of it nobody is asked again")


LOST = """CREATE TABLE {0}_lost (id bigint, at timestamptz);
DO $$ BEGIN EXECUTE format('ALTER TABLE {0}_lost ADD CONSTRAINT lbops_is_empty_%s CHECK (false)', '{0}'::regclass::oid); END $$;"""


def a_detach_that_is_broken_off_is_finished(version):
    with Archive(version, kind="throwaway") as place:
        place.sql(MONTHS)
        with place.session() as reader:
            today = place.sql("SELECT date_trunc('month', now())")
            read_from(reader, today)
            done = place.archive(tables=["months"], partitions_ahead=0, detach_wait_s=1)
            equal(told(done, "dropped"), [], "somebody may still know them")
            holds("the next run goes on" in str(done["result"]["skipped"]), done["result"]["skipped"])
            equal(place.sql("SELECT count(*) FROM pg_inherits WHERE inhdetachpending"), "1", "one is half detached")
            reader.stdin.close()
            reader.wait()
        done = place.archive(tables=["months"], partitions_ahead=0)
        gone = told(done, "dropped")
        holds(len(gone) >= 4, f"finished, and the others went: {done['result']}")
        equal(place.sql("SELECT count(*) FROM pg_inherits WHERE inhdetachpending"), "0", "none is half detached")
        equal(int(place.sql(PARTS)) + len(gone), 9, "none lies about")
        equal(place.sql("SELECT count(*) FROM pg_class WHERE relname ~ '^months_' AND relkind = 'r' AND NOT relispartition"), "0", "none detached")
        place.sql(LOST.format("months"))
        done = place.archive(tables=["months"], partitions_ahead=0, legal_hold=["months_lost"])
        equal(told(done, "dropped"), [], "held, though it is no partition any more")
        holds({"object": "public.months_lost", "reason": "it is under legal hold"} in done["result"]["skipped"], done["result"])
        done = place.archive(tables=["months"], partitions_ahead=0)
        equal(told(done, "dropped"), ["public.months_lost"], "what a killed run had detached")


def a_hold_on_what_was_detached_is_kept(version):
    """One that has come since a person was asked for its end."""
    with Archive(version) as place:
        place.sql(EVENTS + LOST.format("events"))
        free = place.manifest.read_text()
        for line in ("events_lost", "public.events"):
            place.manifest.write_text(free)
            place.archive(check=3, tables=["events"], partitions_ahead=0, min_rows=1000)
            asked = only(place)
            equal((asked["title"], sorted(asked["evidence"]["tables"])),
                  ("drop public.events_lost, which was an empty partition", ["public.events", "public.events_lost"]), "asked")
            place.manifest.write_text(f'{free}\n[agents.health.tool.archive_cold_data_to_delta]\nparams = {{ keep = ["{line}"] }}\n')
            error = json.loads(place.approve(asked["id"], check=1).stdout)["error"]
            holds(error["code"] == "denied" and "keep of the tool's parameters has" in error["message"], error)
        equal(place.sql("SELECT to_regclass('events_lost') IS NOT NULL"), "t", "it is there")


def some_partitions_stay(version):
    with Archive(version, kind="throwaway") as place:
        place.sql(EVENTS.replace("events", "evs") + EVENTS.replace("events", "kept").replace("CREATE SCHEMA", "--") + """
CREATE TABLE evs_rest PARTITION OF evs DEFAULT; DROP TABLE evs_new;
CREATE TABLE refers (id bigint, at timestamptz, FOREIGN KEY (id, at) REFERENCES "Old Ones"."kept old");
CREATE TABLE alone (at timestamptz PRIMARY KEY) PARTITION BY RANGE (at);
CREATE TABLE alone_1 PARTITION OF alone FOR VALUES FROM ('2020-01-01') TO ('2020-02-01'); INSERT INTO alone VALUES ('2020-01-05');
""")
        done = place.archive(tables=["evs", "kept", "alone"], partitions_ahead=0)
        why = {s["object"]: s["reason"] for s in done["result"]["skipped"]}
        holds("no later partition beside it" in why["public.alone_1"], why)
        holds("refers_id_at_fkey of refers" in why["Old Ones.kept old"], why)
        equal(place.sql("SELECT count(*) FROM pg_class WHERE relname IN ('alone_1', 'kept old', 'evs_rest')"), "3", "they are there")


def wrong_input(version):
    with Archive(version) as place:
        done = place.run("archive_cold_data_to_delta")
        equal((done["status"], done["result"]["skipped"][0]["object"]), ("ok", "tables"), "nothing is named")
        equal(place.archive(check=1, tables=["nothing"])["error"]["code"], "invalid", "no such table")
        place.sql("CREATE TABLE t (id int PRIMARY KEY, at timestamptz)")
        equal(place.archive(check=1, tables=["t"], time_columns=["t=id"])["error"]["code"], "invalid", "no time")
        holds("never analyzed" in place.archive(tables=["t"])["result"]["skipped"][0]["reason"], "not known")
        place.run("archive_cold_data_to_delta", check=2, batch_rows=0)
        for line in ("tt", "t.", "t=1", "", "T", "*t", "shop.t", "publik.*"):
            error = place.archive(check=1, tables=["t"], legal_hold=[line])["error"]
            holds(error["code"] == "invalid" and f"legal_hold names {line}, " in error["message"] and "take the line out" in error["hint"], error)
            equal("did you mean public.t?" in error["message"], line not in ("t.", "t=1", "", "*t"), error)
        place.sql("CREATE TABLE u (id int PRIMARY KEY)")
        equal(place.archive(check=1, tables=["t", "u"], archive_table="both")["error"]["code"], "invalid", "one for two")


def a_name_that_the_lakehouse_does_not_take(version):
    with Archive(version, kind="throwaway") as place:
        place.sql(ORDERS + MONTHS + 'ALTER TABLE orders RENAME COLUMN note TO "note, of it"; ALTER TABLE months RENAME COLUMN at TO "moved at"')
        for plan in (True, False):
            done = place.run("archive_cold_data_to_delta", plan=plan, tables=["orders", "months"], min_rows=1)
            why = {s["object"]: s["reason"] for s in done["result"]["skipped"]}
            holds("no column of the name 'note, of it'" in why["public.orders"] and "RENAME COLUMN" in why["public.orders"], why)
            holds("'moved at'" in why["public.months"], why)
        equal((place.files("public_orders"), place.settled(), len(told(done, "made"))), ([], [], 3), "nothing is planned, and partitions are made")
        place.sql('ALTER TABLE orders RENAME COLUMN "note, of it" TO note; ALTER TABLE months RENAME COLUMN "moved at" TO at')
        done = place.archive(tables=["orders", "months"])
        equal([a["status"] for a in done["result"]["archivals"]], ["deleted", "deleted"], "with other names they leave")


def moments_that_the_lakehouse_cannot_hold(version):
    with Archive(version) as place:
        place.sql("CREATE TABLE o (id int PRIMARY KEY, at date DEFAULT '2020-01-01', born date, till timestamptz, since timestamp);"
                  "INSERT INTO o SELECT generate_series(1, 100); ANALYZE o")
        words = {"tables": ["o"], "time_columns": ["o=at"], "min_rows": 1}
        for column, moment in (("born", "0044-03-15 BC"), ("since", "0044-03-15 00:00:00 BC"), ("till", "infinity"), ("at", "-infinity")):
            place.sql(f"UPDATE o SET {column} = '{moment}' WHERE id IN (7)")
            for plan in (True, False):
                error = place.run("archive_cold_data_to_delta", plan=plan, check=1, **words)["error"]
                equal(error["code"], "unsupported", error)
                holds(f"public.o has {moment} in the column {column}," in error["message"], error)
                holds(error["message"].endswith("one of 1 such rows is the one with the key 7;") and "--keep" in error["hint"], error)
            equal((place.files("public_o"), place.sql("SELECT to_regclass('lbops_archive.batches') IS NULL")), ([], "t"), "nothing was written")
            place.sql(f"UPDATE o SET {column} = DEFAULT")
        place.archive(check=3, **words)
        place.sql("DELETE FROM lbops_archive.steps; UPDATE o SET till = 'infinity' WHERE id = 8")
        holds("the key 8;" in place.archive(check=1, **words)["error"]["message"], "also where batches were planned before")
        place.sql("UPDATE o SET till = NULL WHERE id = 8")
        place.archive(check=3, **words)
        for asked in place.approvals():
            place.approve(asked["id"], check=None)
        equal(place.sql("SELECT count(*) FROM o"), "0", "corrected they leave")
        place.sql(PEOPLE + "UPDATE people SET at = '-infinity'")
        message = place.archive(check=1, tables=["people"], time_columns=["people=at"])["error"]["message"]
        digest = place.sql("SELECT md5(mail || ';' || n || ';') FROM people")
        holds(message.endswith(digest) and "anna" not in message, message)


def a_column_that_was_renamed_meanwhile(version):
    with Archive(version) as place:
        place.sql(ORDERS)
        cold = int(place.sql(COLD))
        place.archive(check=3, tables=["orders"])
        place.sql("DELETE FROM lbops_archive.steps; ALTER TABLE orders RENAME COLUMN placed_at TO moved_at")  # planned, and nothing more
        words = {"tables": ["orders"], "time_columns": ["orders=moved_at"]}
        error = place.archive(check=1, **words)["error"]
        holds("no column of time that is called placed_at" in error["message"] and "--abandon true" in error["hint"], error)
        place.cli("deny", only(place)["id"], "--as", "anna", "--because", "it goes by another name")
        done = place.archive(abandon=True, tables=["orders"])
        equal(len(done["result"]["given_up"]), (cold + 99) // 100, "as the hint says")
        equal(place.archive(check=3, **words)["result"]["archivals"][0]["rows_exported"], cold, "copied by its new name")


def one_that_fails_holds_up_no_other(version):
    with Archive(version) as place:
        place.sql(ORDERS + "CREATE TABLE broken (LIKE orders INCLUDING ALL); INSERT INTO broken SELECT * FROM orders; ANALYZE broken")
        in_its_place = place.folder("public_broken")
        in_its_place.parent.mkdir(parents=True)
        in_its_place.write_text("a file")
        done = place.archive(check=1, tables=["broken", "orders"])
        equal([f["table"] for f in done["result"]["failed"]], ["public.broken"], "which, by name")
        equal([(a["table"], a["status"]) for a in done["result"]["archivals"]], [("public.orders", "waiting")], "the other")
        holds("1 of 2 tables could not be archived: public.broken: " in done["error"]["message"], done["error"])
        place.approve(only(place)["id"])
        equal(place.sql(COLD), "0", "its rows leave")
        in_its_place.unlink()
        later = place.archive(check=3, tables=["broken", "orders"])
        equal([(a["table"], a["status"]) for a in later["result"]["archivals"]],
              [("public.broken", "waiting"), ("public.orders", "no_cold_data")], "the next run")


def nothing_of_our_own_leaves(version):
    with Archive(version, kind="throwaway") as place:
        place.sql(EVENTS + "ANALYZE")
        place.archive(tables=["*"])
        again = place.archive(tables=["*"], cold_threshold_days=0)
        equal([a["table"] for a in again["result"]["archivals"]], ["public.events"], "the tree as one, and no other")
        why = {s["object"]: s["reason"] for s in again["result"]["skipped"]}
        equal(why["lbops_archive.steps"], "it is one of this platform's own", "the ledger stays")
        equal(len(place.cold("public_events", "id")), 400, "all of it is there")


# ---- killed ----

WRITER = """
WITH u AS (UPDATE orders SET v = v + 1 WHERE id = {id} RETURNING id, v) UPDATE truth t SET v = u.v FROM u WHERE t.id = u.id;
WITH n AS (INSERT INTO orders (id, placed_at) VALUES ({new}, now() - interval '{days} days') RETURNING id, v) INSERT INTO truth SELECT id, v FROM n;
WITH d AS (DELETE FROM orders WHERE id = {gone} RETURNING id) DELETE FROM truth t USING d WHERE t.id = d.id;
"""


def write_until(stop, url, dice):
    """People who change rows, old ones too. truth holds what they have written, in the same statement."""
    new = 100000
    with subprocess.Popen(["psql", "-XAtq", "-d", url], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, bufsize=1) as people:
        while not stop.is_set():
            new += 1
            people.stdin.write(WRITER.format(id=dice.randrange(1, 1000), new=new, days=dice.randrange(0, 400),
                                             gone=dice.randrange(1, 1000)) + "\\echo done\n")
            while people.stdout.readline() not in ("done\n", ""):
                pass
            stop.wait(0.01)
        people.stdin.close()


def check_each_once(place, when):
    """Hot rows and the settled batches as of one moment; the lakehouse only grows, so it is read after that."""
    hot, batches, truth = place.sql(
        "BEGIN ISOLATION LEVEL REPEATABLE READ;"
        "SELECT coalesce(string_agg(id || ':' || v, ' '), '') FROM orders;"
        "SELECT CASE WHEN to_regclass('lbops_archive.steps') IS NULL THEN '' ELSE (xpath('/row/b/text()', query_to_xml("
        "'SELECT coalesce(string_agg(batch, '' ''), '''') AS b FROM lbops_archive.steps WHERE state = ''deleted''', "
        "false, true, '')))[1]::text END;"
        "SELECT string_agg(id || ':' || v, ' ') FROM truth; COMMIT").split("\n")
    settled = ", ".join(f"'{batch}'" for batch in batches.split())
    cold = place.lake("public_orders", "id || ':' || v", f"lbops_batch IN ({settled})") if settled else []
    found = hot.split() + [row[0] for row in cold]
    equal(len(found), len(set(found)), f"{when}: rows that are in both places or twice")
    wanted = set(truth.split())
    holds(set(found) == wanted, f"{when}: lost {sorted(wanted - set(found))[:5]}, extra {sorted(set(found) - wanted)[:5]}")
    return len(cold)


MORE = """
WITH n AS (INSERT INTO orders (id, placed_at) SELECT coalesce(max(o.id), 0) + k, now() - interval '1 year'
             FROM (SELECT max(id) AS id FROM truth WHERE id < 100000) o CROSS JOIN generate_series(1, 200) k
            GROUP BY k RETURNING id, v)
INSERT INTO truth SELECT id, v FROM n
"""


def moment(place, dice):
    """A claim that begins to hold somewhere on a run's way: while batches are copied, noted, or deleted."""
    copied, deleted = place.files("public_orders"), len(place.settled())
    far = dice.randrange(0, 20)
    if dice.random() < 0.5:
        return lambda: len(place.files("public_orders")) - len(copied) >= far
    return lambda: len(place.settled()) - deleted >= far


def kill_once(place, dice, words):
    reached = moment(place, dice)
    with place.start(*words) as run:
        while run.poll() is None and not reached():
            time.sleep(0.005)
        time.sleep(dice.uniform(0, 0.02))  # the moment is what is tried
        run.kill()
        return run.wait() != 0


def killed_at_random_moments(version):
    dice = random.Random(version)
    with Archive(version, kind="throwaway") as place:
        place.sql(ORDERS + "CREATE TABLE truth AS SELECT id, v FROM orders; ALTER TABLE truth ADD PRIMARY KEY (id)")
        stop, cold, killed = threading.Event(), [], 0
        people = threading.Thread(target=write_until, args=(stop, place.url(), random.Random(version)))
        people.start()
        words = ["run", "archive_cold_data_to_delta", "--branch", place.branch, "--tables", '["orders"]', "--min_rows", "1",
                 "--batch_rows", "20", "--pause_ms", "1"]
        try:
            for kill in range(KILLS):
                place.sql(MORE)
                killed += kill_once(place, dice, words)
                cold.append(check_each_once(place, f"killed for the {kill + 1}. time"))
        finally:
            stop.set()
            people.join()
        while place.archive(batch_rows=40, tables=["orders"])["result"]["archivals"][0]["status"] != "no_cold_data":
            check_each_once(place, "going on")
        cold.append(check_each_once(place, "in the end"))
        equal(place.sql(COLD), "0", "all that was cold has left")
        holds(killed > 0, "some runs were killed before their end")
        print(f"  PostgreSQL {version}: {killed} of {KILLS} runs killed on their way; rows in the lakehouse after each and "
              f"in the end: {cold}")


def kill_approved(place, request, whole):
    """The approved deletion, killed when some batches are gone: the program that was asked, or all of its processes at once."""
    before = len(place.settled())
    with subprocess.Popen([PROGRAM, "-m", str(place.manifest), "approve", request, "--as", "anna", "--because", "it was looked at"],
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
                          env={**os.environ, **place.env}) as run:
        while run.poll() is None and len(place.settled()) < before + 2:
            time.sleep(0.005)
        if run.poll() is None:
            os.killpg(run.pid, signal.SIGKILL) if whole else run.kill()
        return run.wait() != 0


def the_approved_deletion_is_killed(version):
    with Archive(version) as place:
        place.sql(ORDERS + "CREATE TABLE truth AS SELECT id, v FROM orders; ALTER TABLE truth ADD PRIMARY KEY (id)")
        cold, killed = int(place.sql(COLD)), 0
        words = {"tables": ["orders"], "batch_rows": 20, "pause_ms": 100}
        place.archive(check=3, **words)
        for whole in (True, False):
            killed += kill_approved(place, only(place)["id"], whole)
            check_each_once(place, f"killed, {'all of it' if whole else 'the program'}")
            place.archive(check=None, **words)
        holds(killed > 0, "some were killed before their end")
        while place.approvals():
            place.approve(only(place)["id"])
            check_each_once(place, "going on")
            place.archive(check=None, **words)
        equal((place.sql(COLD), len(place.cold("public_orders", "DISTINCT id"))), ("0", cold), "all of it has left, each once")
        print(f"  PostgreSQL {version}: {killed} of 2 approved deletions killed on their way")


def two_hosts_move_each_row_once(version):
    """Neither knows of the other: what both see is the server, with its ledger, and the lakehouse."""
    with Archive(version, kind="throwaway") as place:
        place.sql(ORDERS + "CREATE TABLE truth AS SELECT id, v FROM orders; ALTER TABLE truth ADD PRIMARY KEY (id)")
        cold, other = int(place.sql(COLD)), place.dir / "other.toml"
        other.write_text(place.manifest.read_text().replace(f'"{place.state}"', f'"{place.dir}/other"').replace(
            DELTA, f'{DELTA}lake_root = "{place.state}/lake"\n'))
        hosts = [subprocess.Popen([PROGRAM, "-m", str(manifest), "run", "archive_cold_data_to_delta", "--branch", place.branch, "--tables",
                                   '["orders"]', "--min_rows", "1", "--batch_rows", "20", "--pause_ms", "20"],
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, **place.env})
                 for manifest in (place.manifest, other)]
        codes = [host.wait() for host in hosts]
        holds(0 in codes, f"one of them has come to its end: {codes}")
        check_each_once(place, "two at once")
        while place.archive(tables=["orders"])["result"]["archivals"][0]["status"] != "no_cold_data":
            check_each_once(place, "going on")
        equal((place.sql(COLD), check_each_once(place, "in the end")), ("0", cold), "all of it has left, each once")


# megabytes of SQL are parsed again and again there, which takes sanitizers many minutes
LARGE = [] if os.environ.get("LBOPS_SANITIZED") else [
    case for it in (a_wide_table_leaves_in_several_groups, wide_rows_leave_in_small_batches) for case in each_version(it)[-1:]]
suite(*on_each(rows_leave_after_approval, fewer_than_are_worth_it_are_told, the_way_back_that_a_person_reads_is_one, an_archival_goes_on_by_the_column_that_it_began_with,
               what_changed_since_stays, the_same_change_in_two_rows_stays,
               values_that_were_altered_on_the_way_stay, no_two_rows_have_one_text, values_of_every_type_are_proven_equal, what_there_is_no_proof_of_is_copied_again,
               a_column_that_came_since_stays,
               rows_that_others_refer_to_stay, a_hold_that_came_while_it_waited_is_kept, a_hold_of_another_database_is_told,
               a_hold_on_a_partition_is_about_leaving, partitions_go_when_they_are_empty, partitions_are_made_ahead, partitions_are_their_owners,
               a_detach_waits_for_those_who_read, a_detach_that_is_broken_off_is_finished, a_hold_on_what_was_detached_is_kept, some_partitions_stay, wrong_input, a_name_that_the_lakehouse_does_not_take,
               moments_that_the_lakehouse_cannot_hold, a_column_that_was_renamed_meanwhile, one_that_fails_holds_up_no_other,
               nothing_of_our_own_leaves, two_hosts_move_each_row_once, the_approved_deletion_is_killed, killed_at_random_moments),
      *LARGE)
