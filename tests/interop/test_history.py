"""Spark with Delta and delta-rs read every table that we have written, and write beside us.

usage: test_history.py HISTORY_TOOL JARS_DIR
"""
import concurrent.futures
import os
import pathlib
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "harness"))

from spark_here import start_spark  # noqa: E402

COMMITS = 1000
CHANGING = ["audit_log", "lakebase_metrics", "pg_stat_history"]  # of what happens after the first comparison


class Tool:
    """history_tool: one line in, one line out."""

    def __init__(self, program, root, *parameters):
        self.process = subprocess.Popen([program, root, *parameters], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)

    def __call__(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"history_tool ended at: {line}")
        return answer.rstrip("\n")

    def ask(self, question):
        return [row.split("|") for row in self("ask " + question).rstrip(";").split(";")]

    def close(self):
        self.process.stdin.close()
        if self.process.wait() != 0:
            raise RuntimeError("history_tool failed")


class Checks:
    def __init__(self):
        self.made = self.failed = 0

    def equal(self, what, *values):
        self.made += 1
        if any(value != values[0] for value in values):
            self.failed += 1
            print(f"FAILED {what}: {values}")


def shape(spark, path):
    """Columns and what is asked of each: how many, and the sum of figures. Names are quoted: `at` is a word of DuckDB."""
    terms = ["count(*)"]
    for field in spark.read.format("delta").load(path).schema.fields:
        name, kind = field.name, field.dataType.simpleString()
        terms.append(f"count(`{name}`)")
        if kind in ("bigint", "double"):
            terms.append(f"sum(`{name}`)")
    return terms


def rounded(values):
    return [None if v in (None, "null") else round(float(v), 3) for v in values]


def by_delta_rs(path, terms):
    import pyarrow.compute as compute
    from deltalake import DeltaTable
    table = DeltaTable(path).to_pyarrow_table()
    out = []
    for term in terms:
        kind, name = term.replace("`", "").rstrip(")").split("(")
        if name == "*":
            out.append(table.num_rows)
        elif kind == "count":
            out.append(compute.count(table[name]).as_py())
        else:
            out.append(compute.sum(table[name]).as_py())
    return out


def compare(checks, tool, spark, history, tables, when):
    for table in tables:
        path = os.path.join(history, table)
        terms = shape(spark, path)
        ours = rounded(tool.ask(f"SELECT {', '.join(terms)} FROM {table}".replace("`", '"'))[0])
        theirs = spark.sql(f"SELECT {', '.join(terms)} FROM delta.`{path}`").collect()[0]
        checks.equal(f"{table} {when}", ours, rounded(theirs), rounded(by_delta_rs(path, terms)))
    print(f"{when}: {len(tables)} tables compared", flush=True)


def fill(tool, checks):
    """A table as an older version left it, a thousand commits, a checkpoint, all kinds of columns."""
    tool("create-older")
    tool("every 0")
    checks.equal("one row of each table", tool("flush"), "17 17 0 0")
    for i in range(COMMITS):
        tool(f"metrics 3 {i * 3} {i % 10}")
        checks.equal(f"commit {i}", tool("flush"), "1 3 0 0")
    tool("metrics 5 1000000 -89")
    tool("statements 600 1")
    checks.equal("statements", tool("flush"), "2 605 0 0")


def foreign_writes(checks, tool, spark, history):
    """Spark and delta-rs append between our commits; Spark compacts."""
    from deltalake import DeltaTable, write_deltalake
    path = os.path.join(history, "lakebase_metrics")
    before = tool.ask("SELECT count(*), sum(metric_value) FROM lakebase_metrics")[0]
    row = spark.read.format("delta").load(path).limit(1)
    from pyspark.sql import functions as f
    row.withColumn("metric_value", f.lit(0.5)).write.format("delta").mode("append").save(path)
    tool("metrics 2 10 3")
    checks.equal("a commit after Spark's", tool("flush"), "1 2 0 0")
    table = DeltaTable(path).to_pyarrow_table().slice(0, 1)
    write_deltalake(path, table.set_column(table.schema.get_field_index("metric_value"), "metric_value", [[0.25]]),
                    mode="append")
    tool("metrics 2 20 3")
    checks.equal("a commit after delta-rs's", tool("flush"), "1 2 0 0")
    after = tool.ask("SELECT count(*), sum(metric_value) FROM lakebase_metrics")[0]
    checks.equal("rows with foreign ones", int(after[0]), int(before[0]) + 6)
    checks.equal("sum with foreign ones", float(after[1]), float(before[1]) + 0.75 + 21 + 41)
    spark.sql(f"OPTIMIZE delta.`{path}`")
    tool("metrics 1 5 4")
    checks.equal("a commit after Spark's OPTIMIZE", tool("flush"), "1 1 0 0")


def same_tables(checks, tool, spark, history, tables, root):
    """The CREATE TABLE for Databricks makes what the local history is: run by Spark, and compared column by column."""
    spark.sql(f"CREATE SCHEMA lakebase_ops LOCATION '{root}/created'")
    for table in tables:
        spark.sql(tool(f"ddl {table}"))
        made = spark.sql(f"DESCRIBE DETAIL lakebase_ops.{table}").collect()[0]
        ours = spark.sql(f"DESCRIBE DETAIL delta.`{history}/{table}`").collect()[0]
        checks.equal(f"{table}'s partition and description", [made.partitionColumns, made.description],
                     [ours.partitionColumns, ours.description])

        def columns(frame):
            return sorted((f.name, f.dataType.simpleString(), f.metadata.get("comment")) for f in frame.schema.fields)
        checks.equal(f"{table}'s columns", columns(spark.table(f"lakebase_ops.{table}")),
                     columns(spark.read.format("delta").load(f"{history}/{table}")))
    print(f"{len(tables)} tables made by their DDL", flush=True)


def main():
    started = time.time()
    checks = Checks()
    with tempfile.TemporaryDirectory() as root, concurrent.futures.ThreadPoolExecutor(1) as pool:
        history = os.path.join(root, "history")
        starting = pool.submit(start_spark, sys.argv[2])
        tool = Tool(sys.argv[1], root)
        fill(tool, checks)
        print(f"{COMMITS} commits after {time.time() - started:.1f} s", flush=True)
        spark = starting.result()
        print(f"Spark after {time.time() - started:.1f} s", flush=True)
        tables = sorted(name for name in os.listdir(history) if os.path.isdir(f"{history}/{name}/_delta_log"))
        checks.equal("tables", len(tables), 17)
        compare(checks, tool, spark, history, tables, "after a thousand commits")
        done = tool("maintain 12")
        print(done, flush=True)
        checks.equal("the upkeep rolled up, compacted and expired",
                     [part in done for part in ("compacted 0", "rolled up 0", "expired 0")], [False] * 3)
        compare(checks, tool, spark, history, CHANGING, "after compaction, retention and roll-up")
        foreign_writes(checks, tool, spark, history)
        print(tool("maintain 12"), flush=True)
        compare(checks, tool, spark, history, CHANGING, "after foreign writes and another compaction")
        same_tables(checks, tool, spark, history, tables, root)
        tool.close()
    spark.stop()
    print(f"{checks.made} checks, {checks.failed} failed, {time.time() - started:.0f} s")
    return 1 if checks.failed else 0


sys.exit(main())
