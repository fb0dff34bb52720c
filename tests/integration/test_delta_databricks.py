#!/usr/bin/env python3
"""History in a workspace: each row that the outbox holds is in Unity Catalog's table once, whatever happens on the way.

usage: test_delta_databricks.py duckdb|spark DATABRICKS_TOOL LBOPS JARS_DIR [TEST...]
"""
import os
import random
import select
import shutil
import tempfile
import unittest

from bricks import (CONFLICT, EMULATOR, FILES, FLUSH, KILLS, LATE_S, READY, SPARK, STATEMENTS, STATEMENTS_TABLE, Case, lean, sql)
import harness

if SPARK:  # which takes its time to start
    from test_delta_databricks_asking import Asking  # noqa: F401


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
    def test_a_view_takes_no_tables_name(self):
        tool = self.ready()
        sql("CREATE TABLE ops_catalog.lakebase_ops.taken (id INT)")
        answer = tool("view ops_catalog lakebase_ops taken SELECT 1 AS id")
        self.assertEqual((answer["code"], answer["message"], answer["hint"]),
                         (CONFLICT, "ops_catalog.lakebase_ops.taken is a table", "give the view another name"))
        sql("DROP TABLE ops_catalog.lakebase_ops.taken")

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
