"""archive_cold_data_to_delta: each row is in exactly one place, whatever happens on the way."""

import os
import random
import signal
import subprocess
import threading
import time

from cold_place import COLD, ORDERS, Archive, only
from health_place import on_each
from place import PROGRAM, equal, holds, suite

KILLS = int(os.environ.get("LBOPS_ARCHIVAL_KILLS", "3"))  # 50 is what to run before a release

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


def wrong_input(version):
    with Archive(version) as place:
        done = place.run("archive_cold_data_to_delta")
        equal((done["status"], done["result"]["skipped"][0]["object"]), ("ok", "tables"), "nothing is named")
        equal(place.archive(check=1, tables=["nothing"])["error"]["code"], "invalid", "no such table")
        place.sql("CREATE TABLE t (id int PRIMARY KEY, at timestamptz)")
        equal(place.archive(check=1, tables=["t"], time_columns=["t=id"])["error"]["code"], "invalid", "no time")
        holds("never analyzed" in place.archive(tables=["t"])["result"]["skipped"][0]["reason"], "not known")
        place.run("archive_cold_data_to_delta", check=2, batch_rows=0)
        place.sql("CREATE TABLE u (id int PRIMARY KEY)")
        equal(place.archive(check=1, tables=["t", "u"], archive_table="both")["error"]["code"], "invalid", "one for two")


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
        print(f"# PostgreSQL {version}: {killed} of {KILLS} runs killed on their way; rows in the lakehouse after each and "
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
        print(f"# PostgreSQL {version}: {killed} of 2 approved deletions killed on their way")


suite(*on_each(rows_leave_after_approval, what_changed_since_stays, rows_that_others_refer_to_stay,
               partitions_go_when_they_are_empty, wrong_input,
               nothing_of_our_own_leaves, the_approved_deletion_is_killed, killed_at_random_moments))
