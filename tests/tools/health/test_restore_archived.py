"""restore_archived_rows: archived rows come back as they left, each in exactly one place at any moment, or they stay where they are."""

import json
import os
import pathlib
import signal
import subprocess
import time

import sync_place
from cold_place import COLD, KINDS_THAT_COME_BACK, ORDERS, Archive, Unified, only, rewrite
from health_place import on_each
from place import PROGRAM, equal, holds, suite

TOOL = "restore_archived_rows"
AS_TEXT = "SELECT string_agg(o::text, E'\\n' ORDER BY id) FROM orders o"


def moment(place, row):
    return place.sql(f"SELECT to_char(placed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') FROM orders WHERE id = {row}")


def left(place, table="orders", check=0, **given):
    """An archival of the table that has come to its end; its name."""
    place.archive(check=3 if check is None else check, tables=[table], **given)
    for asked in place.approvals():
        place.approve(asked["id"])
    return sorted(place.settled())[0].rsplit(".", 1)[0]


def refused(place, check=1, **given):
    """Whatever is asked for: nothing is another than before."""
    ledger = "SELECT string_agg(s::text, ' ' ORDER BY s.id) FROM lbops_archive.steps s"
    before = place.sql(ledger), place.sql("SELECT count(*) FROM orders")
    error = place.run(TOOL, check=check, **{"table": "orders", **given})["error"]
    equal((place.sql(ledger), place.sql("SELECT count(*) FROM orders")), before, f"nothing has happened: {error}")
    return error


def rows_come_back_each_once(version):
    with Unified(version) as place:
        place.sql(ORDERS)
        text, before, cold = place.sql(AS_TEXT), place.rows("shop.public.orders"), int(place.sql(COLD))
        archival = left(place, check=None)
        place.view()
        equal((place.rows(place.name()), place.sql(COLD)), (before, "0"), "all of it has left")
        planned = place.run(TOOL, plan=True, table="orders", batches=[archival])
        batches = planned["result"]["batches"]
        equal([(b["status"], b["rows"], b["rows_there"]) for b in batches],
              [("planned", 100, 0)] * (cold // 100) + [("planned", cold % 100, 0)] * (cold % 100 > 0), "whole batches")
        equal((place.sql(COLD), len(place.settled())), ("0", len(batches)), "a plan does nothing")
        first = batches[0]["batch"]
        waits = place.run(TOOL, check=3, table="public.orders", batches=[first])
        equal([b["status"] for b in waits["result"]["batches"]], ["waiting"], "it asks")
        asked = only(place)
        equal((asked["evidence"]["batches"], asked["evidence"]["rows"], asked["evidence"]["table"]), ([first], 100, "public.orders"),
              "the receipt")
        equal((place.rows(place.name()), place.sql(COLD)), (before, "0"), "nothing is back before somebody says so")
        place.run(TOOL, check=3, table="public.orders", batches=[first])
        equal(only(place)["id"], asked["id"], "what waits is known again")
        place.approve(asked["id"])
        equal((place.sql(COLD), place.rows(place.name())), ("100", before), "they are back, and each once in a view made before")
        place.view()
        equal(place.rows(place.name()), before, "and in a new one")
        history = [r for r in place.waiting("data_archival_history") if r["step"] == "restore"]
        equal([(r["archival_id"], r["status"], first in str(r["receipt"])) for r in history], [(archival, "success", True)], "history")
        again = place.run(TOOL, table="orders", batches=[first])["result"]
        equal(again["skipped"], [{"object": first, "reason": "its rows have been brought back already"},
                                 {"object": "public.orders", "reason": "no row that has left is in what was asked for"}], "once")
        place.run(TOOL, check=3, table="orders", batches=[archival])
        place.approve(only(place)["id"])
        equal((place.sql(AS_TEXT), place.settled()), (text, []), "all of it is as it was")
        equal(place.rows(place.name()), before, "and seen so")
        told = [e["payload"]["rows"] for e in place.archive(check=3, tables=["orders"])["events"] if e["type"] == "cold_data.archived"]
        equal(told, [cold], "that it had left is told all the same")
        place.approve(only(place)["id"])
        equal((place.sql(COLD), place.rows(place.name())), ("0", before), "the next archival takes it again, each row once")


def a_span_of_time_comes_back(version):
    with Archive(version, kind="throwaway") as place:
        place.sql(ORDERS)
        since, until = moment(place, 150), moment(place, 151)
        archival = left(place)
        equal(refused(place)["code"], "invalid", "all of it is for somebody to say")
        error = refused(place, until="2100-01-01", max_rows=100)
        holds(error["code"] == "limit" and "at most 100 rows may" in error["message"], error)
        for first, end in ((until, since), (since, since)):
            error = refused(place, since=first, until=end)
            equal((error["code"], error["message"]), ("invalid", "until is no later than since"), "a span that ends before it begins")
        none = place.run(TOOL, table="orders", since="2100-01-01")["result"]
        equal(none["skipped"], [{"object": "public.orders", "reason": "no row that has left is in what was asked for"}], "no such row")
        done = place.run(TOOL, table="orders", since=since, until=until)["result"]
        equal([(b["status"], b["batch"]) for b in done["batches"]], [("restored", f"{archival}.2")], "the batch that has one row of it")
        equal(place.sql("SELECT min(id), max(id), count(*) FROM orders WHERE id < 500"), "101|200|100", "comes back whole")
        equal(place.run(TOOL, table="orders", until=since)["result"]["batches"][0]["batch"], f"{archival}.1", "what is before it")
        equal(place.sql(COLD), "200", "both are here")
        equal(place.run(TOOL, table="orders", key=["301"])["result"]["batches"][0]["batch"], f"{archival}.4", "that of a key")
        equal(refused(place, key=["1", "2"])["code"], "invalid", "a key of one part")
        equal(place.sql(COLD), "300", "and no others")


def every_type_comes_back_as_it_was(version):
    with Archive(version, kind="throwaway") as place:
        sync_place.make(place, "kinds")
        place.sql(KINDS_THAT_COME_BACK)
        rows = "SELECT id, md5(k::text) FROM kinds k ORDER BY id"
        before = place.sql(rows).splitlines()
        left(place, "kinds", time_columns=["kinds=updated_at"], batch_rows=500)
        equal(place.sql("SELECT count(updated_at) FROM kinds"), "0", "they have left")
        batches = len(place.settled())
        done = place.run(TOOL, table="kinds", until="2100-01-01")["result"]["batches"]
        equal([b["status"] for b in done], ["restored"] * batches, "all of them are back")
        now = place.sql(rows).splitlines()
        equal([row for row in before if row not in set(now)], [], "as they were")
        equal(len(now), len(before), "and no others")


def what_does_not_come_back_as_it_was_stays(version):
    """An array whose bounds begin elsewhere is the same array in the lakehouse."""
    with Archive(version, kind="throwaway") as place:
        place.sql(ORDERS + "UPDATE orders SET tags = '[5:6]={a,b}' WHERE id = 50")
        archival = left(place)
        error = refused(place, batches=[f"{archival}.1"])
        holds(error["code"] == "conflict" and "do not come to the digest that they left with" in error["message"], error)
        path = [p for p in place.files("public_orders")
                if place.duck.ask(f"SELECT count(*) FROM read_parquet('{p}') WHERE id = 150") == [["1"]]][0]
        whole = pathlib.Path(path).read_bytes()
        rewrite(place, path, "CASE WHEN id = 150 THEN v + 1 ELSE v END AS v")
        holds("do not come to the digest" in refused(place, batches=[f"{archival}.2"])["message"], "the archive was altered")
        rewrite(place, path, "CASE WHEN id = 150 THEN '' ELSE lbops_batch END AS lbops_batch")
        holds("has 99 rows in " in refused(place, batches=[f"{archival}.2"])["message"], "a row is missing there")
        pathlib.Path(path).write_bytes(whole)
        place.sql("ALTER TABLE orders ALTER COLUMN v TYPE bigint")
        place.run(TOOL, table="orders", batches=[f"{archival}.2"])
        equal(place.sql(COLD), "100", "a type that says the same does no harm")
        place.sql("ALTER TABLE orders ADD COLUMN \"Later On\" int")
        error = refused(place, batches=[f"{archival}.3"])
        equal(error["message"], "public.orders has got the column Later On since: its archive has none", "added")
        place.sql("ALTER TABLE orders DROP COLUMN \"Later On\", DROP COLUMN note")
        error = refused(place, batches=[f"{archival}.3"])
        equal(error["message"], "public.orders has no column note any more: its archive has one", "dropped")


def what_stands_in_the_way(version):
    with Archive(version) as place:
        place.sql("CREATE TABLE customers (id int PRIMARY KEY); INSERT INTO customers VALUES (0);" + ORDERS
                  + "ALTER TABLE orders ADD FOREIGN KEY (v) REFERENCES customers; CREATE TABLE kept AS SELECT * FROM orders")
        place.archive(check=3, tables=["orders"])
        archival = place.sql("SELECT DISTINCT archival FROM lbops_archive.batches")
        error = refused(place, batches=[archival])
        holds(error["code"] == "conflict" and "have not been deleted here: its batch " in error["message"], error)
        equal(refused(place, batches=["1"])["code"], "not_found", "no such batch")
        equal(refused(place, table="nothing", batches=["1"])["code"], "not_found", "no such table")
        place.approve(only(place)["id"])
        first, second = f"{archival}.1", f"{archival}.2"
        place.sql("INSERT INTO orders SELECT * FROM kept WHERE id IN (5, 6); UPDATE orders SET note = 'other' WHERE id = 5")
        error = refused(place, batches=[first])
        holds(error["code"] == "conflict" and error["message"] == f"1 rows of batch {first} are in public.orders with other values", error)
        place.sql("UPDATE orders o SET note = k.note FROM kept k WHERE k.id = o.id AND o.id = 5")
        place.run(TOOL, check=3, table="orders", batches=[first])
        equal(only(place)["evidence"]["rows_there"], 2, "what is there as it was is no other")
        place.sql("UPDATE orders SET note = 'other' WHERE id = 5")
        error = place.approve(only(place)["id"], check=1).stdout
        holds(f"batch {first} is not brought back: 100 rows had left, and here would be 100 with other values" in error, error)
        equal(place.sql("SELECT count(*) FROM orders WHERE id < 500"), "2", "what was altered while it waited is not overwritten")
        place.sql("UPDATE orders o SET note = k.note FROM kept k WHERE k.id = o.id AND o.id = 5")
        place.run(TOOL, check=3, table="orders", batches=[first])
        place.approve(only(place)["id"])
        equal(place.sql("SELECT count(*) FROM (SELECT * FROM orders WHERE id <= 100 INTERSECT SELECT * FROM kept) o"), "100", "all are back")
        place.sql("ALTER TABLE customers DISABLE TRIGGER ALL; DELETE FROM customers; ALTER TABLE customers ENABLE TRIGGER ALL")
        error = refused(place, batches=[second])
        holds(f"100 rows of batch {second} refer (orders_v_fkey) to rows of public.customers that are not there" == error["message"], error)


KEPT = """
CREATE DOMAIN sure AS int NOT NULL;
CREATE TABLE orders (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at date NOT NULL, price numeric, tags varchar(3)[], part sure,
                     twice numeric GENERATED ALWAYS AS (price * 2) STORED);
INSERT INTO orders (at, price, tags, part) SELECT '2020-01-01'::date + n, n / 3.0, '{{a,b},{NULL,c}}', n FROM generate_series(1, 90) n;
ANALYZE orders;
CREATE TABLE kept AS SELECT * FROM orders;
CREATE FUNCTION other() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.price := 7; RETURN NEW; END $$;
"""


def what_the_server_computes_itself(version):
    """Identities keep their numbers, computed columns are computed again, and a trigger may not make another row of one."""
    with Archive(version, kind="throwaway") as place:
        place.sql(KEPT)
        archival = left(place, time_columns=["orders=at"], batch_rows=50)
        equal(place.sql("SELECT count(*) FROM orders"), "0", "all have left")
        place.sql("CREATE TRIGGER other BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION other()")
        error = refused(place, until="2100-01-01")
        holds("is not brought back: 50 rows had left, and here would be 50 with other values" in error["message"], error)
        place.sql("DROP TRIGGER other ON orders")
        done = place.run(TOOL, table="orders", since="2020-01-10", until="2020-01-12")["result"]["batches"]
        equal([b["batch"] for b in done], [f"{archival}.1"], "by days")
        place.run(TOOL, table="orders", until="2100-01-01")
        equal(place.sql("SELECT count(*) FROM (SELECT * FROM orders INTERSECT SELECT * FROM kept) o"), "90", "as they were")


def a_name_that_another_has_taken(version):
    """Which of the two the rows are of nobody knows."""
    with Archive(version, kind="throwaway") as place:
        place.sql(ORDERS)
        archival = left(place)
        place.sql("ALTER TABLE orders RENAME TO orders_of_then; CREATE TABLE orders (LIKE orders_of_then INCLUDING ALL)")
        for given in [{"batches": [archival]}, {"until": "2100-01-01"}, {"table": "orders_of_then", "batches": [archival]}]:
            error = refused(place, **given)
            holds(error["code"] == "conflict" and "may have left another table than" in error["message"], error)
        place.sql("DROP TABLE orders")
        equal(len(place.run(TOOL, table="orders_of_then", key=["17"])["result"]["batches"]), 1, "its own, under another name")
        equal(place.sql("SELECT count(*) FROM orders_of_then WHERE id <= 100"), "100", "there they are")


PARTS = """
CREATE TABLE orders (id int, at date NOT NULL, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE orders_old PARTITION OF orders FOR VALUES FROM (MINVALUE) TO ('2021-01-01');
CREATE TABLE orders_new PARTITION OF orders FOR VALUES FROM ('2021-01-01') TO (MAXVALUE);
INSERT INTO orders SELECT n, '2020-01-01'::date + n FROM generate_series(1, 90) n; ANALYZE orders;
"""


def a_partition_has_to_be_there(version):
    """Cold ones go when they are empty."""
    with Archive(version, kind="throwaway") as place:
        place.sql(PARTS)
        archival = left(place, partitions_ahead=0)
        equal(place.sql("SELECT to_regclass('orders_old') IS NULL"), "t", "the partition went with its rows")
        holds("no partition of relation" in refused(place, batches=[archival])["message"], "there is no place for them")
        place.sql("CREATE TABLE orders_old PARTITION OF orders FOR VALUES FROM (MINVALUE) TO ('2021-01-01')")
        place.run(TOOL, table="orders", batches=[archival])
        equal(place.sql("SELECT count(*), min(at), max(at) FROM orders_old"), "90|2020-01-02|2020-03-31", "they are where they were")


def killed_in_the_middle(version):
    """In one transaction: while it waits for somebody's row of the third batch, two are inserted."""
    with Unified(version) as place:
        place.sql(ORDERS)
        text, before = place.sql(AS_TEXT), place.rows("shop.public.orders")
        archival = left(place, check=None)
        place.view()
        settled = place.settled()
        place.run(TOOL, check=3, table="orders", batches=[archival])
        with place.session() as other:
            other.stdin.write("BEGIN; INSERT INTO orders (id) VALUES (250);\n\\echo held\n")
            while other.stdout.readline() != "held\n":
                pass
            with subprocess.Popen([PROGRAM, "-m", str(place.manifest), "approve", only(place)["id"], "--as", "anna", "--because", "x"],
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
                                  env={**os.environ, **place.env}) as run:
                place.until_here("SELECT count(*) = 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
                                 " AND query LIKE '%came AS MATERIALIZED%'")
                equal(place.rows(place.name()), before, "in the middle of it")
                os.killpg(run.pid, signal.SIGKILL)
                holds(run.wait() != 0, "killed on its way")
            equal((place.rows(place.name()), place.settled()), (before, settled), "killed")
            other.stdin.close()
            other.wait()
        place.until_here("SELECT count(*) = 0 FROM pg_stat_activity WHERE datname = current_database() AND state <> 'idle'"
                         " AND query LIKE '%came AS MATERIALIZED%' AND pid <> pg_backend_pid()")
        equal((place.rows(place.name()), place.sql(COLD)), (before, "0"), "what was begun is as if it had not been")
        place.run(TOOL, check=None, table="orders", batches=[archival])
        place.approve(only(place)["id"])
        equal((place.rows(place.name()), place.sql(AS_TEXT), place.settled()), (before, text, []), "the next one brings all back, each once")


KILLS = 8


def each_once(place, when):
    """By what the server says at one moment, and what the files say of the batches that it names."""
    ids, batches = place.sql("SELECT string_agg(id::text, ' '), (SELECT string_agg(quote_literal(batch), ', ') FROM lbops_archive.steps"
                             " WHERE state = 'deleted') FROM orders").split("|")
    there = place.lake("public_orders", "id", f"lbops_batch IN ({batches})") if batches else []
    equal(sorted([int(row) for row in ids.split()] + [int(row) for row, in there]), list(range(1, 1001)), when)


def killed_at_any_moment(version):
    """From its first look until it has noted what it did: spread over all of its way, and when the rows have just come."""
    with Archive(version, kind="throwaway") as place:
        place.sql(ORDERS)
        text = place.sql(AS_TEXT)
        left(place, batch_rows=20)
        def one():
            return place.start("run", TOOL, "--branch", place.branch, "--table", "orders", "--batches", json.dumps(place.settled()[:1]))
        began = time.monotonic()
        equal(one().wait(), 0, "one that nobody kills")
        whole, killed = time.monotonic() - began, 0
        for kill in range(KILLS):
            before = len(place.settled())
            with one() as run:
                if kill < KILLS - 2:
                    time.sleep(whole * (kill + 1) / (KILLS - 1))  # the moment is what is tried
                while kill >= KILLS - 2 and run.poll() is None and len(place.settled()) == before:
                    time.sleep(0.002)
                run.kill()
                killed += run.wait() != 0
            each_once(place, f"killed for the {kill + 1}. time")
        holds(killed > 0, "some were killed before their end")

        def all_is_back():
            if place.settled():
                place.run(TOOL, check=None, table="orders", until="2100-01-01")
            return not place.settled()
        place.wait(all_is_back)  # what a killed one had begun may come to its end first
        each_once(place, "in the end")
        equal(place.sql(AS_TEXT), text, "as they were")
        print(f"  PostgreSQL {version}: {killed} of {KILLS} runs killed on their way")


def two_bring_it_back_once(version):
    """Neither knows of the other: the second finds the ledger, or the first one's rows."""
    with Unified(version, kind="throwaway") as place:
        place.sql(ORDERS)
        text, before = place.sql(AS_TEXT), place.rows("shop.public.orders")
        archival = left(place)
        place.view()
        words = ["run", TOOL, "--branch", place.branch, "--table", "orders", "--batches", f'["{archival}"]']
        runs = [place.start(*words) for _ in range(2)]
        codes = [run.wait() for run in runs]
        holds(0 in codes, f"one of them has come to its end: {codes}")
        equal((place.sql(AS_TEXT), place.rows(place.name()), place.settled()), (text, before, []), "each row once")


suite(*on_each(rows_come_back_each_once, a_span_of_time_comes_back, every_type_comes_back_as_it_was, what_does_not_come_back_as_it_was_stays,
               what_stands_in_the_way, what_the_server_computes_itself, a_name_that_another_has_taken, a_partition_has_to_be_there,
               killed_in_the_middle, killed_at_any_moment, two_bring_it_back_once))
