"""What the suites of a history in a workspace share: the tool that they drive, and the workspace, for which the emulator stands.

The arguments of both: duckdb|spark DATABRICKS_TOOL LBOPS JARS_DIR [TEST...]. With `spark` the statements that are sent are run by
Spark with Delta; COPY INTO, which it lacks, gets its documented meaning there (tests/emulator/workspace/engine.py).
"""
import atexit
import json
import os
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
atexit.register(EMULATOR.stop)
STATEMENTS, FILES = "/api/2.0/sql/statements", "/api/2.0/fs/files"
METRICS = "ops_catalog.lakebase_ops.lakebase_metrics"
STATEMENTS_TABLE = "ops_catalog.lakebase_ops.pg_stat_history"
FLUSH = "flush 240" if SPARK else "flush 60"
KILLS = 30
CONFLICT, CANCELLED = -7, -6  # of lbops/error.h
LATE_S = 8 if SPARK else 2  # how long a flush may wait for a warehouse that is late

# Spark takes seconds where DuckDB takes hundredths: it runs what our statements mean, not what becomes of our calls.
lean = unittest.skipIf(SPARK, "nothing that depends on the engine")


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
