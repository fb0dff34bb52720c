#!/usr/bin/env python3
"""History in a workspace: each row that the outbox holds is in Unity Catalog's table once, whatever happens on the way.

usage: test_delta_databricks.py duckdb|spark DATABRICKS_TOOL LBOPS JARS_DIR [TEST...]

The emulator stands for the workspace. With `spark` the statements that are sent are run by Spark with Delta; COPY INTO, which it
lacks, gets its documented meaning there (tests/emulator/workspace/engine.py).
"""
import json
import os
import random
import select
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "emulator"))

import harness  # noqa: E402

ENGINE, TOOL, LBOPS, JARS = sys.argv[1:5]
del sys.argv[1:5]
SPARK = ENGINE == "spark"
EMULATOR = harness.Emulator("--sql", ENGINE, "--spark-jars", JARS, "--set", "warehouse_start_s=0.1")
READY = EMULATOR.ready
STATEMENTS, FILES = "/api/2.0/sql/statements", "/api/2.0/fs/files"
METRICS = "ops_catalog.lakebase_ops.lakebase_metrics"
STATEMENTS_TABLE = "ops_catalog.lakebase_ops.pg_stat_history"
FLUSH = "flush 240" if SPARK else "flush 60"
KILLS = 30
LATE_S = 8 if SPARK else 2  # how long a flush may wait for a warehouse that is late

# Spark takes seconds where DuckDB takes hundredths: it runs what our statements mean, not what becomes of our calls.
lean = unittest.skipIf(SPARK, "nothing that depends on the engine")


def tearDownModule():
    EMULATOR.stop()


class Tool:
    """databricks_tool: one line in, one object out."""

    def __init__(self, root, **params):
        given = {"host": EMULATOR.url, "token": READY["pat"], "ca_file": EMULATOR.ca, "warehouse_id": READY["warehouse_id"],
                 "poll_ms": 10, "retry_pause_ms": 10, **params}
        words = [TOOL, root, *(f"{name}={value}" for name, value in given.items())]
        clean = {name: value for name, value in os.environ.items() if not name.startswith("DATABRICKS_")}
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=clean)
        self.opened = self.read("opening")

    def read(self, line):
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"the tool ended at '{line}': {self.process.stderr.read()}")
        return json.loads(answer)

    def send(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def __call__(self, line):
        self.send(line)
        return self.read(line)

    def kill(self):
        self.process.kill()
        self.end()

    def end(self):
        """Its exit code and what it said; a sanitizer speaks here."""
        self.process.stdin.close()
        said = self.process.stderr.read()
        code = self.process.wait()
        self.process.stdout.close()
        self.process.stderr.close()
        return code, said


def sql(text, **more):
    """Past our service: what the workspace itself has."""
    answer = EMULATOR.call("POST", STATEMENTS, {"warehouse_id": READY["warehouse_id"], "statement": text, "wait_timeout": "0s", **more})
    ident = answer.json["statement_id"]
    def over():
        found = EMULATOR.call("GET", f"{STATEMENTS}/{ident}").json
        return found if found["status"]["state"] not in ("PENDING", "RUNNING") else None
    done = harness.until(over, 240)
    if done["status"]["state"] != "SUCCEEDED":
        raise AssertionError(done["status"])
    return done.get("result", {}).get("data_array")


class Case(unittest.TestCase):
    def setUp(self):
        EMULATOR.control("DELETE", "faults")
        self.root = tempfile.mkdtemp(prefix="lbops-databricks-")
        self.tools = []

    def tearDown(self):
        EMULATOR.control("DELETE", "faults")
        for tool in self.tools:
            if tool.process.poll() is None:
                code, said = tool.end()
                self.assertEqual(code, 0, said)
        shutil.rmtree(self.root)

    def tool(self, root=None, **params):
        made = Tool(root or self.root, **params)
        self.tools.append(made)
        self.assertEqual(made.opened, {"result": 0})
        return made

    def ready(self):
        """A tool that has found all that it needs, so that its next statement is a COPY INTO."""
        tool = self.tool()
        self.ok(tool("metrics 1 0 0"))
        self.flushed(tool(FLUSH), 1, 1)
        return tool

    def ok(self, answer):
        self.assertEqual(answer.get("result"), 0, answer)
        return answer

    def flushed(self, answer, files, rows, repeated=0, damaged=0):
        self.ok(answer)
        self.assertEqual([answer[name] for name in ("files", "rows", "repeated", "damaged", "waiting")],
                         [files, rows, repeated, damaged, 0], answer)

    def outbox(self, table="lakebase_metrics"):
        folder = os.path.join(self.root, "outbox", table)
        return sorted(name for name in os.listdir(folder) if name.endswith(".ndjson"))

    def volume(self, table="lakebase_metrics"):
        answer = EMULATOR.call("GET", f"/api/2.0/fs/directories/Volumes/ops_catalog/lakebase_ops/outbox/outbox/{table}").json
        return [entry["name"] for entry in answer.get("contents", [])]

    def count(self, low, high):
        """Rows and different values of metrics in a range."""
        rows = sql(f"SELECT count(*), count(DISTINCT metric_value) FROM {METRICS} WHERE metric_value >= {low} AND metric_value < {high}")
        return [int(cell) for cell in rows[0]]

    def calls(self, method, path):
        return EMULATOR.control("GET", "requests", query={"method": method, "path": path})["requests"]


class Arriving(Case):
    def test_every_table_is_made_and_filled(self):
        tool = self.tool()
        self.ok(tool("every 2000"))
        answer = self.ok(tool(FLUSH))
        names = os.listdir(os.path.join(self.root, "outbox"))
        self.assertGreaterEqual(len(names), 15)
        self.assertEqual((answer["files"], answer["rows"], answer["waiting"]), (len(names), len(names), 0))
        tables = EMULATOR.call("GET", "/api/2.1/unity-catalog/tables",
                               query={"catalog_name": "ops_catalog", "schema_name": "lakebase_ops"}).json["tables"]
        columns = {table["name"]: {column["name"]: column["type_text"] for column in table["columns"]} for table in tables}
        self.assertEqual(sorted(columns), sorted(names))
        self.assertEqual({kind for table in columns.values() for kind in table.values()},
                         {"string", "bigint", "double", "boolean", "timestamp", "date"})
        ours = lambda table: "run_id IS NOT NULL AND project_id = 'shop'" + (" AND date = DATE'2031-06-24'" if "date" in columns[table] else "")
        counts = " UNION ALL ".join(f"SELECT '{table}' AS t, count(*) AS n FROM {table} WHERE {ours(table)}" for table in sorted(names))
        self.assertEqual(sorted(self.ok(tool("ask " + counts))["rows"]), [[table, "1"] for table in sorted(names)])
        for table in names:
            self.assertEqual(self.volume(table), [])
        self.values_are_as_they_were(tool, columns)

    def values_are_as_they_were(self, tool, columns):
        answer = self.ok(tool("ask SELECT date, snapshot_timestamp, metric_name, metric_value FROM lakebase_metrics "
                              "WHERE metric_value = 0.1 AND date = DATE'2031-06-24'"))
        self.assertEqual(answer["rows"], [["2031-06-24", "2031-06-24T12:00:00.000Z", "grüße 'q' \\ \"\n", "0.1"]])
        self.assertEqual([kind for _, kind in answer["columns"]][1:], ["timestamp", "text", "double"])
        table, column = next((table, column) for table in columns for column, kind in columns[table].items() if kind == "bigint")
        self.assertIn([str(2**63 - 1)], sql(f"SELECT DISTINCT `{column}` FROM ops_catalog.lakebase_ops.{table}"))

    def test_rows_arrive_once(self):
        tool = self.ready()
        for i in range(5):
            self.ok(tool(f"metrics 10 {1000 + 10 * i} 0"))
        EMULATOR.control("DELETE", "requests")
        self.flushed(tool(FLUSH), 5, 50)
        self.assertEqual(self.count(1000, 2000), [50, 50])
        self.flushed(tool(FLUSH), 0, 0)
        self.assertEqual(self.volume(), [])
        self.assertEqual(len(self.calls("POST", STATEMENTS + "$")), 2)  # one COPY INTO for five files, and our own count

    def test_a_tools_values_arrive_as_they_are(self):
        """Beside the statement, each with its type: no value becomes part of a text."""
        tool = self.ready()
        self.ok(tool("metrics 3 70000 0"))
        self.flushed(tool(FLUSH), 1, 3)
        EMULATOR.control("DELETE", "requests")
        answer = self.ok(tool("typed 70001"))
        self.assertEqual(answer["rows"], [["grüße 'q' \\ \\' \" $1 :p1 ? --\n", str(-2**63), "0.1", "false",
                                           "2026-01-01T12:00:00.123Z", None, "$1", "2"]])
        sent = self.calls("POST", STATEMENTS + "$")
        self.assertEqual(len(sent), 2)  # it, and once whether the milliseconds that came are all there is
        self.ok(tool("typed 70001"))
        self.assertEqual(len(self.calls("POST", STATEMENTS + "$")), 3)

    @lean
    def test_a_damaged_file_is_set_aside_and_the_rest_goes_on(self):
        tool = self.ready()
        for i in range(3):
            self.ok(tool(f"metrics 2 {2000 + 2 * i} 0"))
        path = os.path.join(self.root, "outbox", "lakebase_metrics", self.outbox()[1])
        with open(path, encoding="utf-8") as file:
            text = file.read()
        with open(path, "w", encoding="utf-8") as file:
            file.write(text[:-20])
        answer = tool(FLUSH)
        self.flushed(answer, 2, 4, damaged=1)
        self.assertIn("it ends within line 3", answer["damage"])
        self.assertEqual(self.count(2000, 2006), [4, 4])

    @unittest.skipUnless(SPARK, "DuckDB has no ADD COLUMNS for several")
    def test_columns_that_a_table_lacks_are_added(self):
        tool = self.ready()
        sql("DROP TABLE ops_catalog.lakebase_ops.lakebase_metrics")
        sql("CREATE TABLE ops_catalog.lakebase_ops.lakebase_metrics (project_id STRING, metric_name STRING, date DATE)")
        self.ok(tool("metrics 3 3000 0"))
        other = self.tool(tempfile.mkdtemp(dir=self.root))
        shutil.copytree(os.path.join(self.root, "outbox"), os.path.join(os.path.dirname(other.process.args[1]),
                                                                         os.path.basename(other.process.args[1]), "outbox"))
        self.flushed(other(FLUSH), 1, 3)
        self.assertEqual(self.count(3000, 3003), [3, 3])
        sql("DROP TABLE ops_catalog.lakebase_ops.lakebase_metrics")
        sql("CREATE TABLE ops_catalog.lakebase_ops.lakebase_metrics (metric_value STRING, date DATE)")
        third = self.tool(tempfile.mkdtemp(dir=self.root))
        self.ok(third("metrics 1 0 0"))
        answer = third(FLUSH)
        self.assertIn("column metric_value of the history table lakebase_metrics is of type string, and ours is DOUBLE", answer["message"])
        self.assertEqual(answer["waiting"], 1)
        sql("DROP TABLE ops_catalog.lakebase_ops.lakebase_metrics")

    @lean
    def test_counts_that_do_not_fit_are_seen(self):
        tool = self.ready()
        self.ok(tool("metrics 5 4000 0"))
        names = ("num_affected_rows", "num_inserted_rows", "num_skipped_corrupt_files")
        lie = {"statement_id": "01ef-0", "status": {"state": "SUCCEEDED"}, "result": {"data_array": [["3", "3", "0"]]},
               "manifest": {"schema": {"columns": [{"name": name, "type_name": "LONG"} for name in names]}}}
        EMULATOR.fault("status", STATEMENTS + "/[^/]+$", "GET", status=200, body=lie)
        answer = tool(FLUSH)
        self.flushed(answer, 0, 0, damaged=1)
        self.assertIn("loaded 3 rows of 1 file(s) that hold 5", answer["damage"])

    @lean
    def test_a_second_writer_is_told(self):
        tool = self.ready()
        other = self.tool()
        self.ok(other("metrics 1 0 0"))
        self.assertIn("another process of ours", other(FLUSH)["message"])
        self.flushed(tool(FLUSH), 1, 1)


class Late(Case):
    """The late warehouse: what it does after we gave up, or without our hearing of it, doubles nothing and loses nothing."""

    def test_a_slow_warehouse_that_answers_after_we_gave_up(self):
        tool = self.ready()
        self.ok(tool("metrics 7 10000 0"))
        EMULATOR.set(statement_s=LATE_S + 1)
        EMULATOR.fault("status", "/cancel$", "POST", count=0, status=500)
        answer = tool(f"flush {LATE_S}")
        EMULATOR.set(statement_s=0)
        self.assertEqual((answer["result"], answer["files"], answer["waiting"]), (1, 0, 1), answer)
        harness.until(lambda: self.count(10000, 10007) == [7, 7], 60)
        self.assertEqual(len(self.volume()), 1)
        self.flushed(tool(FLUSH), 0, 0, repeated=1)
        self.assertEqual(self.count(10000, 10007), [7, 7])
        self.assertEqual(self.volume(), [])

    @lean
    def test_a_slow_warehouse_that_was_cancelled(self):
        tool = self.ready()
        self.ok(tool("metrics 7 11000 0"))
        EMULATOR.set(statement_s=LATE_S + 60)
        answer = tool(f"flush {LATE_S}")
        EMULATOR.set(statement_s=0)
        self.assertEqual((answer["result"], answer["waiting"]), (1, 1), answer)
        self.assertEqual(self.count(11000, 11007), [0, 0])
        self.assertGreaterEqual(len(self.calls("POST", "/cancel$")), 1)
        self.flushed(tool(FLUSH), 1, 7)
        self.assertEqual(self.count(11000, 11007), [7, 7])

    @lean
    def test_a_late_answer_and_newer_files(self):
        tool = self.ready()
        self.ok(tool("metrics 3 12000 0"))
        EMULATOR.set(statement_s=LATE_S + 1)
        EMULATOR.fault("status", "/cancel$", "POST", count=0, status=500)
        tool(f"flush {LATE_S}")
        EMULATOR.set(statement_s=0)
        harness.until(lambda: self.count(12000, 12003) == [3, 3], 60)
        self.ok(tool("metrics 3 12003 0"))
        self.flushed(tool(FLUSH), 1, 3, repeated=1)
        self.assertEqual(self.count(12000, 12006), [6, 6])

    def test_a_reset_after_the_statement_was_accepted(self):
        tool = self.ready()
        self.ok(tool("metrics 5 13000 0"))
        EMULATOR.fault("reset", STATEMENTS + "$", "POST", when="after")
        self.flushed(tool(FLUSH), 1, 5)
        self.assertEqual(self.count(13000, 13005), [5, 5])

    @lean
    def test_looks_that_never_come_back(self):
        tool = self.tool(retry_budget_s=1)
        self.ok(tool("metrics 1 0 0"))
        self.ok(tool(FLUSH))
        self.ok(tool("metrics 5 14000 0"))
        fault = EMULATOR.fault("reset", STATEMENTS + "/[^/]+$", "GET", count=0)
        answer = tool("flush 10")
        EMULATOR.control("DELETE", f"faults/{fault}")
        self.assertEqual((answer["result"], answer["waiting"]), (1, 1), answer)
        # Whether one of them was cancelled in time or not: once and no more.
        answer = self.ok(tool(FLUSH))
        self.assertEqual(answer["files"] + answer["repeated"], 1)
        self.assertEqual(self.count(14000, 14005), [5, 5])

    def test_an_upload_that_was_cut(self):
        tool = self.ready()
        self.ok(tool("metrics 5 15000 0"))
        EMULATOR.fault("reset", FILES, "PUT", when="before")
        EMULATOR.fault("cut", FILES, "PUT", bytes=3)
        self.flushed(tool(FLUSH), 1, 5)
        self.ok(tool("metrics 5 15005 0"))
        ident = self.outbox()[0].removesuffix(".ndjson")
        cut = EMULATOR.call("PUT", f"{FILES}/Volumes/ops_catalog/lakebase_ops/outbox/outbox/lakebase_metrics/{ident}.parquet", b"PAR1 half of it")
        self.assertEqual(cut.status, 204)
        self.flushed(tool(FLUSH), 1, 5)
        self.assertEqual(self.count(15000, 15010), [10, 10])

    @lean
    def test_an_upload_that_fails_for_good_waits(self):
        tool = self.tool(retry_budget_s=1)
        self.ok(tool("metrics 1 0 0"))
        self.ok(tool(FLUSH))
        self.ok(tool("metrics 5 16000 0"))
        EMULATOR.fault("status", FILES, "PUT", count=0, status=503)
        answer = tool(FLUSH)
        self.assertEqual((answer["result"], answer["waiting"]), (1, 1), answer)
        EMULATOR.control("DELETE", "faults")
        self.flushed(tool(FLUSH), 1, 5)
        self.assertEqual(self.count(16000, 16005), [5, 5])

    @lean
    def test_a_warehouse_that_is_starting_is_waited_for(self):
        tool = self.ready()
        warehouse = f"/api/2.0/sql/warehouses/{READY['warehouse_id']}"
        before = EMULATOR.set(warehouse_start_s=1.5)
        self.assertEqual(EMULATOR.call("POST", f"{warehouse}/stop", {}).status, 200)
        self.ok(tool("metrics 5 17000 0"))
        answer = tool("flush 1")
        self.assertIn("the warehouse was still starting", answer["hint"])
        self.assertEqual(answer["waiting"], 1)
        self.flushed(tool(FLUSH), 1, 5)
        EMULATOR.set(**before)
        self.assertEqual(self.count(17000, 17005), [5, 5])

    @lean
    def test_killed_at_each_of_its_calls(self):
        """Each call of a flush in turn is the last one: it is held up, and so the one before it has been carried out."""
        self.ready().end()
        low, calls = 18000, 0
        while True:
            tool = self.tool()
            self.ok(tool(f"metrics 3 {low + 3 * calls} 0"))
            fault = EMULATOR.fault("hang", "^/api/", seconds=1, skip=calls)
            tool.send(FLUSH)
            held = lambda: any(one["id"] == fault and one["hits"] for one in EMULATOR.control("GET", "faults")["faults"])
            answered = lambda: select.select([tool.process.stdout], [], [], 0)[0]
            harness.until(lambda: held() or answered())
            done = not held()
            tool.kill()
            EMULATOR.control("DELETE", "faults")
            after = self.tool()
            self.ok(after(FLUSH))
            after.end()
            calls += 1
            self.assertEqual(self.count(low, low + 3 * calls), [3 * calls, 3 * calls], f"held up at call {calls}")
            if done:
                break
        self.assertGreater(calls, 8)
        print(f"    killed at each of {calls - 1} calls: {3 * calls} rows, each once")

    @lean
    def test_killed_at_random_moments(self):
        """A whole flush takes some hundredths of a second and up: kills are spread over it."""
        self.ready().end()
        dice, low, early = random.Random(20260826), 20000, 0
        for i in range(KILLS):
            tool = self.tool()
            self.ok(tool(f"metrics 3 {low + 3 * i} 0"))
            EMULATOR.fault("delay", ".", seconds=0.02, count=0)
            tool.send(FLUSH)
            answered, _, _ = select.select([tool.process.stdout], [], [], dice.uniform(0.01, 0.4))
            early += not answered
            tool.kill()
            EMULATOR.control("DELETE", "faults")
        tool = self.tool()
        self.ok(tool(FLUSH))
        self.assertEqual(self.count(low, low + 3 * KILLS), [3 * KILLS, 3 * KILLS])
        self.assertGreater(early, KILLS // 4)
        print(f"    killed {KILLS} times, {early} of them before the answer: {3 * KILLS} rows, each once")


@lean
class Permission(Case):
    def guest(self):
        made = EMULATOR.control("POST", "clients", {"guest": True})
        return self.tool(token="", client_id=made["client_id"], client_secret=made["client_secret"], auth_type="oauth-m2m"), made["client_id"]

    def test_grants_are_named(self):
        self.ready()
        root = self.root
        self.root = tempfile.mkdtemp(dir=root)
        tool, who = self.guest()
        self.ok(tool("metrics 1 0 0"))
        answer = tool(FLUSH)
        self.assertIn("GRANT READ VOLUME, WRITE VOLUME ON VOLUME `ops_catalog`.`lakebase_ops`.`outbox` TO `" + who, answer["hint"])
        sql(f"GRANT READ VOLUME, WRITE VOLUME ON VOLUME ops_catalog.lakebase_ops.outbox TO `{who}`")
        answer = tool(FLUSH)
        self.assertIn("SELECT, MODIFY ON TABLE `ops_catalog`.`lakebase_ops`.`lakebase_metrics` TO `" + who, answer["hint"])
        self.assertEqual(answer["waiting"], 1)
        sql(f"GRANT SELECT, MODIFY ON TABLE ops_catalog.lakebase_ops.lakebase_metrics TO `{who}`")
        self.flushed(tool(FLUSH), 1, 1)
        self.root = root

    def test_a_catalog_that_cannot_be_made(self):
        tool = self.tool(catalog="forbidden")
        self.ok(tool("metrics 1 0 0"))
        EMULATOR.fault("status", "/unity-catalog/catalogs$", "POST", count=0, status=403, error_code="PERMISSION_DENIED",
                       message="User does not have CREATE CATALOG on Metastore 'ours'.")
        answer = tool(FLUSH)
        self.assertIn("does not have CREATE CATALOG", answer["message"])
        self.assertIn("GRANT CREATE CATALOG ON METASTORE", answer["hint"])
        self.assertEqual(answer["waiting"], 1)

    def test_a_warehouse_that_is_none(self):
        self.ready().end()
        tool = self.tool(warehouse_id="nothing")
        self.ok(tool("metrics 1 0 0"))
        self.assertIn("check warehouse_id", tool("ask SELECT 1")["hint"])


REFUSED = """DROP TABLE lakebase_metrics
INSERT INTO lakebase_metrics VALUES (1)
DELETE FROM lakebase_metrics
UPDATE lakebase_metrics SET metric_value = 1
COPY INTO lakebase_metrics FROM '/Volumes/x' FILEFORMAT = PARQUET
WITH a AS (SELECT 1) INSERT INTO lakebase_metrics SELECT * FROM a
WITH a AS (SELECT 1) DELETE FROM lakebase_metrics
SELECT 1; DROP TABLE lakebase_metrics
SELECT 1 /* x */
SELECT * FROM parquet.`/Volumes/ops_catalog/lakebase_ops/outbox/x`
SELECT * FROM json.`file`
SELECT * FROM `csv`.`file`
SELECT * FROM read_files('/Volumes/x')
SELECT * FROM system.billing.usage
SELECT * FROM other.secrets
SELECT * FROM lakebase_metrics, other.secrets
SELECT * FROM lakebase_metrics m JOIN other.secrets s ON m.run_id = s.id
SELECT * FROM lakebase_metrics m JOIN lakebase_metrics n ON m.run_id = n.run_id, other.secrets
SELECT (SELECT max(x) FROM other.secrets)
WITH a AS (SELECT * FROM other.secrets) SELECT * FROM a
WITH a AS (FROM other.secrets SELECT *) SELECT * FROM a
WITH a AS (TABLE other.secrets) SELECT * FROM a
SELECT * FROM (FROM other.secrets SELECT *)
SELECT * FROM (lakebase_metrics JOIN other.secrets)
SELECT * FROM lakebase_metrics UNION SELECT * FROM other.secrets
SELECT * FROM 1schema.secrets
SELECT * FROM IDENTIFIER('other.secrets')
SELECT * FROM identifier ('other' || '.secrets')
SELECT secret('scope', 'key')
SELECT java_method('java.lang.System', 'getenv')
SELECT ai_query('model', 'question')
SELECT http_request(conn => 'x')
SELECT other.code.run(1)
SELECT TRANSFORM(metric_name) USING 'cat' FROM lakebase_metrics
FROM lakebase_metrics SELECT *
SELECT "a\\" FROM other.secrets --"
SELECT r'\\' FROM other.secrets --'
SELECT * FROM\u00a0other.secrets
SELECT * FROM STREAM other.secrets
SELECT * FROM lakebase_metrics LATERAL VIEW other.code(1)
SELECT `java_method`('java.lang.System', 'getenv')
SELECT 'a\\' FROM other.secrets --'
SELECT * FROM VALUES (1) AS t, other.secrets
SELECT * FROM lakebase_metrics a JOIN lakebase_metrics b USING (run_id), other.secrets
SELECT * FROM lakebase_metrics WHERE run_id IN (TABLE other.secrets)
SELECT * FROM lakebase_metrics |> JOIN other.secrets ON true
SELECT * FROM ops_catalog.other.secrets
SHOW GRANTS ON TABLE lakebase_metrics
SHOW TABLES IN other
DESCRIBE other.secrets
DESCRIBE HISTORY system.billing.usage
EXPLAIN SELECT 1
SET spark.x = 1
USE other
TABLE lakebase_metrics
VALUES (1)
SELECT 'open
SELECT (1""".split("\n")

ALLOWED = """SELECT 1
SELECT count(*) FROM lakebase_metrics;
select m.metric_name, count(*) from lakebase_metrics as m group by 1 order by 1
SELECT * FROM ops_catalog.lakebase_ops.lakebase_metrics WHERE metric_name IN ('x', 'drop table; --') LIMIT 3
SELECT * FROM `lakebase_ops`.`lakebase_metrics` LIMIT 1
WITH a AS (SELECT metric_value AS v FROM lakebase_metrics), b AS (SELECT max(v) AS v FROM a) SELECT a.v FROM a JOIN b ON a.v = b.v
SELECT EXTRACT(YEAR FROM m.snapshot_timestamp) FROM lakebase_metrics m -- a comment
SELECT * FROM (SELECT metric_name, row_number() OVER (PARTITION BY metric_name ORDER BY snapshot_timestamp) AS n FROM lakebase_metrics) t WHERE n = 1
SELECT a.run_id FROM lakebase_metrics a, lakebase_metrics b WHERE a.run_id = b.run_id AND EXISTS (SELECT 1 FROM lakebase_metrics) LIMIT 1
SELECT count(*) FROM lakebase_metrics a, lakebase_ops.lakebase_metrics b WHERE a.run_id = b.run_id AND a.metric_value < 1.5
SELECT CASE WHEN (metric_value > 1) THEN 'a' ELSE 'b' END FROM lakebase_metrics LIMIT 1""".split("\n")


class Asking(Case):
    @lean
    def test_points_in_time_keep_their_microseconds(self):
        """Where JSON shows milliseconds they are asked for as numbers; where it shows all, as they are."""
        question = ("ask SELECT TIMESTAMP '2026-01-01 12:00:00.123456' AS seen, 'a' AS `it's`, 7 AS n, "
                    "CAST(NULL AS TIMESTAMP) AS never, TIMESTAMP '1969-12-31 23:59:59.999999' AS early;")
        exact = [["2026-01-01T12:00:00.123456Z", "a", "7", None, "1969-12-31T23:59:59.999999Z"]]
        twice = "ask SELECT TIMESTAMP '2026-01-01 12:00:00.123456' AS a, TIMESTAMP '2026-01-01 12:00:00' AS a"
        tool = self.ready()
        EMULATOR.control("DELETE", "requests")
        for _ in range(2):
            self.assertEqual([[cell and cell.rstrip("Z") for cell in row] for row in self.ok(tool(question))["rows"]],
                             [[cell and cell.rstrip("Z") for cell in row] for row in exact])
        self.assertEqual(len(self.calls("POST", STATEMENTS + "$")), 2)
        before = EMULATOR.set(exact_times=False)
        try:
            tool = self.tool(os.path.join(self.root, "cut"))
            for sent in (4, 2):  # once to see them, once to know, and from then on the question's shape and itself
                EMULATOR.control("DELETE", "requests")
                answer = self.ok(tool(question))
                self.assertEqual(answer["rows"], exact)
                self.assertEqual(len(self.calls("POST", STATEMENTS + "$")), sent)
            self.assertEqual(self.ok(tool("ask SELECT 1 AS one, 'x' AS two"))["rows"], [["1", "x"]])
            self.assertIn("12:00:00.123", self.ok(tool(twice))["rows"][0][0])  # by name they cannot be told apart
        finally:
            EMULATOR.set(**before)

    def test_an_answer_in_chunks(self):
        tool = self.ready()
        self.ok(tool("metrics 100 30000 0"))
        self.flushed(tool(FLUSH), 1, 100)
        before = EMULATOR.set(chunk_rows=7)
        EMULATOR.control("DELETE", "requests")
        answer = self.ok(tool("ask SELECT metric_value, project_id FROM lakebase_metrics WHERE metric_value >= 30000 AND "
                              "metric_value < 30100 ORDER BY metric_value"))
        self.assertEqual(len(self.calls("GET", "/result/chunks/")), 14)
        self.assertEqual([row[0] for row in answer["rows"]], [f"{30000 + i}.0" for i in range(100)])
        self.assertEqual({row[1] for row in answer["rows"]}, {"shop"})
        self.assertFalse(answer["cut"])
        answer = self.ok(tool("ask 10 SELECT metric_value FROM lakebase_metrics WHERE metric_value >= 30000"))
        EMULATOR.set(**before)
        self.assertEqual((len(answer["rows"]), answer["cut"]), (10, True))

    @lean
    def test_what_is_no_question_is_refused_before_it_is_sent(self):
        tool = self.ready()
        EMULATOR.control("DELETE", "requests")
        for text in REFUSED:
            answer = tool("ask " + text)
            self.assertEqual(answer["result"], 1, text)
            self.assertIn("ask with one SELECT over the history tables", answer["hint"], (text, answer))
        self.assertEqual(self.calls("POST", STATEMENTS), [])
        for text in ALLOWED:
            self.assertEqual(tool("ask " + text)["result"], 0, text)

    @lean
    def test_the_full_name_is_the_same_everywhere(self):
        tool = self.tool(catalog="else-where", schema="ours", volume="way")
        self.ok(tool("metrics 2 32000 0"))
        self.flushed(tool(FLUSH), 1, 2)
        for text in ("SELECT count(*) FROM ops_catalog.lakebase_ops.lakebase_metrics",
                     "SELECT count(run_id) FROM OPS_CATALOG . `lakebase_ops` . lakebase_metrics",
                     "SELECT count(*) FROM ours.lakebase_metrics WHERE metric_name <> 'ops_catalog.lakebase_ops.x'"):
            self.assertEqual(self.ok(tool("ask " + text))["rows"], [["2"]], text)

    @lean
    def test_the_warehouses_own_words(self):
        tool = self.ready()
        self.assertEqual(tool("ask SELECT nothing FROM lakebase_metrics")["result"], 1)
        answer = tool("ask SELECT * FROM no_such_table")
        self.assertIn("a table is made with its first rows", answer["hint"], answer)

    def test_lbops_sql(self):
        tool = self.ready()
        self.ok(tool("metrics 4 31000 0"))
        tool.end()
        manifest = os.path.join(self.root, "lbops.toml")
        with open(manifest, "w", encoding="utf-8") as file:
            file.write(f'[workspace]\nname = "t"\nstate_dir = "."\n[services.delta]\nplugin = "delta_databricks"\nhost = "{EMULATOR.url}"\n'
                       f'ca_file = "{EMULATOR.ca}"\nwarehouse_id = "{READY["warehouse_id"]}"\npoll_ms = 10\n')
        env = {name: value for name, value in os.environ.items() if not name.startswith("DATABRICKS_")}
        def lbops(*words):
            return subprocess.run([LBOPS, "-m", manifest, *words], capture_output=True, text=True, timeout=240,
                                  env={**env, "DATABRICKS_TOKEN": READY["pat"]}, check=False)
        done = lbops("sql", "--csv", f"SELECT count(*) AS n FROM {METRICS} WHERE metric_value >= 31000 AND metric_value < 31004")
        self.assertEqual((done.returncode, done.stdout), (0, "n\n4\n".replace("\n", "\r\n") if "\r" in done.stdout else "n\n4\n"), done.stderr)
        done = lbops("sql", "DROP TABLE lakebase_metrics")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("asked and not changed", done.stderr)


class Upkeep(Case):
    def test_retention_small_files_and_strays(self):
        tool = self.tool(retention='["lakebase_metrics=90"]', optimize="true" if SPARK else "false")
        self.ok(tool("metrics 4 40000 0"))
        self.flushed(tool(FLUSH), 1, 4)
        for i in range(3):
            self.ok(tool(f"metrics 2 {40004 + 2 * i} 300"))
            self.flushed(tool(FLUSH), 1, 2)
        stray = "/Volumes/ops_catalog/lakebase_ops/outbox/outbox/lakebase_metrics/01JAAAAAAAAAAAAAAAAAAAAAAA.parquet"
        self.assertEqual(EMULATOR.call("PUT", f"{FILES}{stray}", b"x").status, 204)
        answer = tool("maintain lakebase_metrics 300")
        self.assertEqual(self.volume(), [])
        self.assertGreaterEqual(answer["expired_rows"], 4)
        self.assertEqual(self.count(40000, 40010), [6, 6])
        if SPARK:
            self.ok(answer)
            self.assertEqual(answer["tables"], 1)
            self.assertGreaterEqual(answer["compacted"], 3)
            self.assertGreaterEqual(answer["compacted_into"], 1)
        else:  # it has no VACUUM, and the error says which statement it was
            self.assertIn("VACUUM lakebase_metrics: ", answer["message"])

    @unittest.skipUnless(SPARK, "REPLACE WHERE needs Delta")
    def test_old_snapshots_become_hours(self):
        tool = self.tool(rollup_days=7, optimize="false")
        self.ok(tool("maintain pg_stat_history 50"))  # makes the table
        sql(f"ALTER TABLE {STATEMENTS_TABLE} ADD COLUMNS (`Somebody's` STRING)")

        young = "2026-02-15"

        def snapshots(day, hour, *minutes):
            epoch = "7, TIMESTAMP '2026-01-01 00:00:00', 10, 5, true, 42"
            rows = ", ".join(f"('p', 'b', 'r{minute}', TIMESTAMP '{day} {hour}:{minute}:00', 'snapshot', 300, {epoch}, {100 + int(minute)}, 1.5, "
                             f"{int(minute)}, DATE '{day}')" for minute in minutes)
            sql(f"INSERT INTO {STATEMENTS_TABLE} (project_id, branch_id, run_id, snapshot_timestamp, granularity, interval_seconds,"
                f" system_identifier, postmaster_start, userid, dbid, toplevel, queryid, calls, total_exec_time, calls_delta, date) VALUES {rows}")

        def hours():
            return sql(f"SELECT CAST(date AS STRING), granularity, run_id, calls, calls_delta, CAST(interval_seconds AS INT),"
                       f" date_format(snapshot_timestamp, 'HH:mm') FROM {STATEMENTS_TABLE} WHERE project_id = 'p' ORDER BY snapshot_timestamp")
        snapshots("2026-02-01", "10", "05", "10", "55")
        snapshots(young, "00", "01", "02")
        self.assertEqual(self.ok(tool("maintain pg_stat_history 50"))["rolled_up"], 3)
        old = [["2026-02-01", "hour", "r55", "155", "70", "900", "10:00"]]
        recent = [[young, "snapshot", "r01", "101", "1", "300", "00:01"], [young, "snapshot", "r02", "102", "2", "300", "00:02"]]
        self.assertEqual(hours(), old + recent)
        snapshots("2026-02-01", "11", "20")  # one that came late
        self.assertEqual(self.ok(tool("maintain pg_stat_history 50"))["rolled_up"], 1)
        later = [["2026-02-01", "hour", "r20", "120", "20", "300", "11:00"]]
        self.assertEqual(hours(), old + later + recent)
        snapshots("2026-02-01", "10", "20")  # and one of an hour that is there already
        self.assertEqual(self.ok(tool("maintain pg_stat_history 50"))["rolled_up"], 1)
        self.assertEqual(hours(), [["2026-02-01", "hour", "r55", "155", "90", "1200", "10:00"]] + later + recent)


if __name__ == "__main__":
    harness.main()
