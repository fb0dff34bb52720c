"""Batches of rows into tables of Unity Catalog: each once, whatever is lost or killed on the way.

usage: lake_databricks.py (with the tests' own Python)
"""
import os
import pathlib
import random
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "emulator"))
import harness  # noqa: E402

import place  # noqa: E402
from place import VERSIONS, Given, equal, holds, suite  # noqa: E402

place.PLUGINS = f'{os.environ["LBOPS_PLUGINS"]}", "{os.environ["LBOPS_LAKE_PLUGINS"]}'
EMULATOR = harness.Emulator("--set", "warehouse_start_s=0.1")
READY = EMULATOR.ready
os.environ["DATABRICKS_TOKEN"] = READY["pat"]
STATEMENTS = "/api/2.0/sql/statements"
KILLS = 4
DELTA = f"""
[services.delta]
plugin = "delta_databricks"
host = "{EMULATOR.url}"
ca_file = "{EMULATOR.ca}"
warehouse_id = "{READY["warehouse_id"]}"
poll_ms = 10
retry_pause_ms = 10
"""
COLUMNS = {"columns": ["id", "t"], "types": ["bigint", "text"]}
ORDERS = "CREATE TABLE orders (id bigint PRIMARY KEY, t text); INSERT INTO orders SELECT n, 't' || n FROM generate_series(1, 500) n"


def statement(text):
    ident = EMULATOR.call("POST", STATEMENTS, {"warehouse_id": READY["warehouse_id"], "statement": text,
                                               "wait_timeout": "0s"}).json["statement_id"]

    def over():
        found = EMULATOR.call("GET", f"{STATEMENTS}/{ident}").json
        return found if found["status"]["state"] not in ("PENDING", "RUNNING") else None
    done = harness.until(over, 60)
    equal(done["status"]["state"], "SUCCEEDED", f"{text}: {done['status']}")
    return done.get("result", {}).get("data_array")


def append(given, check=0, **params):
    done = given.run("lake_door", check=check, **{**COLUMNS, **params})
    return done["result"]["receipt"] if check == 0 else done["error"]


def counted(table):
    return [int(cell) for cell in statement(f"SELECT count(*), count(DISTINCT id) FROM main.sales.{table}")[0]]


def each_batch_once():
    with Given(VERSIONS[-1], more=DELTA) as given:
        given.sql(ORDERS)
        first = append(given, name="once")
        equal((first["rows"], first["repeated"], first["key"]), (500, False, "k1"), "the receipt")
        given.sql("UPDATE orders SET t = 'changed'")
        again = append(given, name="once")
        equal((again["rows"], again["repeated"], again["checksum"]), (500, True, first["checksum"]), "the receipt of then")
        equal(counted("once"), [500, 500], "once")
        more = append(given, name="once", key="k2", first=401)
        equal((more["rows"], more["repeated"]), (100, False), "another batch")
        equal(append(given, name="once", key="none", first=1000)["rows"], 0, "a batch without rows")
        holds(append(given, name="once", key="none", first=1)["repeated"], "which is a batch all the same")
        equal(append(given, check=1, name="once", key="k3", types=["text", "text"])["code"], "conflict", "another type")
        statement("CREATE VIEW main.sales.vw AS SELECT 1 AS id")
        refused = append(given, check=1, name="vw")
        equal((refused["code"], refused["message"], refused["hint"]),
              ("conflict", "lake/append: main.sales.vw is a view", "append to a table of another name"), "a view's name")
        equal(counted("once"), [600, 500], "all of them")


def hits_of(fault):
    return next(one["hits"] for one in EMULATOR.control("GET", "faults")["faults"] if one["id"] == fault["id"])


def answers_get_lost():
    posts = files = 0
    with Given(VERSIONS[-1], more=DELTA) as given:
        given.sql(ORDERS)
        for skip in range(4):
            post = EMULATOR.control("POST", "faults", {"kind": "reset", "when": "after", "count": 1, "skip": skip,
                                                       "match": {"method": "POST", "path": STATEMENTS}})
            file = EMULATOR.control("POST", "faults", {"kind": "reset", "when": "after", "count": 1, "skip": skip % 2,
                                                       "match": {"method": "PUT", "path": "/api/2.0/fs/files"}})
            given.run("lake_door", check=None, name="lost", key=f"b{skip}", **COLUMNS)
            posts, files = posts + hits_of(post), files + hits_of(file)
            EMULATOR.control("DELETE", "faults")
            equal(append(given, name="lost", key=f"b{skip}")["rows"], 500, f"batch {skip}")
            equal(counted("lost"), [500 * (skip + 1), 500], f"after batch {skip}")
    holds(posts > 0 and files > 0, f"answers that were lost: {posts} of statements, {files} of files")


def killed_on_the_way():
    dice, cut_short = random.Random(8), 0
    with Given(VERSIONS[-1], more=DELTA) as given:
        given.sql(ORDERS)
        append(given, name="killed", key="first")
        for kill in range(KILLS):
            seen = len(EMULATOR.control("GET", "requests")["requests"])
            far = seen + dice.randrange(2, 14)
            words = ["run", "lake_door", "--branch", given.branch, "--name", "killed", "--key", f"b{kill}", "--columns",
                     '["id", "t"]', "--types", '["bigint", "text"]']
            with given.start(*words) as run:
                while run.poll() is None and len(EMULATOR.control("GET", "requests")["requests"]) < far:
                    time.sleep(0.002)
                run.kill()
                cut_short += run.wait() < 0
            given.sql("UPDATE orders SET t = t || '.'")  # whoever comes next reads other rows
            receipt = append(given, name="killed", key=f"b{kill}")
            equal(counted("killed"), [500 * (kill + 2), 500], f"killed for the {kill + 1}. time: {receipt}")
            versions = statement(f"SELECT count(DISTINCT length(t) - length(replace(t, '.', ''))) FROM main.sales.killed "
                                 f"WHERE lbops_batch = 'b{kill}'")
            equal(versions, [["1"]], "rows of one moment")
    holds(cut_short > 0, "every run ended before it was killed")


try:
    suite(each_batch_once, answers_get_lost, killed_on_the_way)
finally:
    EMULATOR.stop()
