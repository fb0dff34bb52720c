#!/usr/bin/env python3
"""Questions to a history in a workspace: what is asked, what is refused, and what goes on meanwhile.

usage: test_delta_databricks_asking.py duckdb|spark DATABRICKS_TOOL LBOPS JARS_DIR [TEST...]
"""
import os
import subprocess

from bricks import CANCELLED, EMULATOR, FLUSH, LBOPS, METRICS, READY, STATEMENTS, Case, lean
import harness

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

    @lean
    def test_a_slow_question_holds_up_no_commit(self):
        tool = self.tool(flush_interval_s=1)
        self.ok(tool("metrics 1 0 0"))
        self.flushed(tool(FLUSH), 1, 1)
        EMULATOR.control("DELETE", "requests")
        running = {"statement_id": "01ef-0", "status": {"state": "RUNNING"}}
        look = lambda path: EMULATOR.fault("status", path + "$", "GET", count=0, status=200, body=running)
        every = look(STATEMENTS + "/[^/]+")
        tool.send("during 33000 SELECT count(*) FROM lakebase_metrics")
        first = harness.until(lambda: self.calls("GET", STATEMENTS + "/[^/]+$"))[0]["path"]
        look(first)  # this one takes as long as one likes
        EMULATOR.control("DELETE", f"faults/{every}")
        answer = tool.read("during")
        self.assertEqual((answer["code"], answer["rows"]), (CANCELLED, 3), answer)
        self.assertEqual(len(self.calls("POST", first + "/cancel$")), 1)
        EMULATOR.control("DELETE", "faults")
        self.assertEqual(self.count(33000, 33003), [3, 3])
        self.assertEqual(self.ok(tool("ask SELECT count(*) FROM lakebase_metrics WHERE metric_value BETWEEN 33000 AND 33002"))["rows"], [["3"]])

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


if __name__ == "__main__":
    harness.main()
