#!/usr/bin/env python3
"""The same statement call with Spark and Delta behind it: COPY INTO in its documented meaning, and what only Delta has."""
import os
import unittest

import duckdb
import harness

EMULATOR = harness.Emulator("--sql", "spark", "--set", "operation_s=0")
READY = EMULATOR.ready
SPARK_PATIENCE_S = 240
VOLUME = "/Volumes/ops/lake/staging"


def tearDownModule():
    EMULATOR.stop()


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        for text in ("CREATE CATALOG IF NOT EXISTS ops", "CREATE SCHEMA IF NOT EXISTS ops.lake", "CREATE VOLUME IF NOT EXISTS ops.lake.staging"):
            cls.ok(cls, text)

    def begin(self, text, **more):
        return EMULATOR.call("POST", "/api/2.0/sql/statements", {"warehouse_id": READY["warehouse_id"], "statement": text,
                                                                 "wait_timeout": "0s", **more}).json["statement_id"]

    def look(self, ident):
        return EMULATOR.call("GET", f"/api/2.0/sql/statements/{ident}").json

    def statement(self, text, **more):
        """Followed to its end, however slow the machine."""
        ident = Case.begin(self, text, **more)
        over = lambda found: found if found["status"]["state"] not in ("PENDING", "RUNNING") else None
        return harness.until(lambda: over(Case.look(self, ident)), SPARK_PATIENCE_S)

    def ok(self, text, **more):
        done = Case.statement(self, text, **more)
        if done["status"]["state"] != "SUCCEEDED":
            raise AssertionError(done["status"])
        return done.get("result", {}).get("data_array")

    def fails(self, text, sqlstate, like):
        status = self.statement(text)["status"]
        self.assertEqual((status["state"], status["sql_state"]), ("FAILED", sqlstate), status)
        self.assertIn(like, status["error"]["message"])

    def upload(self, path, query):
        place = os.path.join(READY["folders"][0], "upload.parquet")
        duckdb.sql(query).write_parquet(place)
        with open(place, "rb") as file:
            answer = EMULATOR.call("PUT", f"/api/2.0/fs/files{VOLUME}/{path}", file.read(), {"overwrite": "true"})
        self.assertEqual(answer.status, 204)


class CopyInto(Case):
    def test_a_path_is_loaded_once(self):
        self.ok("CREATE TABLE ops.lake.metrics (ts TIMESTAMP, name STRING, value DOUBLE, day DATE) USING DELTA PARTITIONED BY (day)")
        row = "TIMESTAMPTZ '2026-08-19 10:00:00+00' AS ts, 'm' || range AS name, CAST(range AS DOUBLE) AS value, DATE '2026-08-19' AS day"
        self.upload("once/b-1.parquet", f"SELECT {row} FROM range(3)")
        self.upload("once/b-2.parquet", f"SELECT {row} FROM range(5)")
        copy = f"COPY INTO ops.lake.metrics FROM '{VOLUME}/once/' FILEFORMAT = PARQUET"
        self.assertEqual(self.ok(f"{copy} FILES = ('b-1.parquet')"), [["3", "3", "0"]])
        self.assertEqual(self.ok(f"{copy} FILES = ('b-1.parquet')"), [["0", "0", "0"]])
        self.assertEqual(self.ok(copy), [["5", "5", "0"]])
        # A file that has changed under its old name is not looked at again.
        self.upload("once/b-1.parquet", f"SELECT {row} FROM range(100)")
        self.assertEqual(self.ok(copy), [["0", "0", "0"]])
        self.assertEqual(self.ok("SELECT count(*), min(ts) FROM ops.lake.metrics"), [["8", "2026-08-19T10:00:00.000Z"]])
        self.assertEqual(self.ok(f"{copy} COPY_OPTIONS ('force' = 'true')"), [["105", "105", "0"]])

    def test_a_table_that_is_replaced_forgets(self):
        self.upload("again/a.parquet", "SELECT 1 AS n")
        copy = f"COPY INTO ops.lake.again FROM '{VOLUME}/again/' FILEFORMAT = PARQUET"
        self.ok("CREATE TABLE ops.lake.again (n BIGINT)")
        self.assertEqual(self.ok(copy), [["1", "1", "0"]])
        self.ok("CREATE OR REPLACE TABLE ops.lake.again (n BIGINT)")
        self.assertEqual(self.ok(copy), [["1", "1", "0"]])
        self.assertEqual(self.ok(copy), [["0", "0", "0"]])
        self.ok("DROP TABLE ops.lake.again")
        self.ok("CREATE TABLE ops.lake.again (n BIGINT)")
        self.assertEqual(self.ok(copy), [["1", "1", "0"]])

    def test_new_columns_need_leave(self):
        self.ok("CREATE TABLE ops.lake.grows (n BIGINT)")
        self.upload("grows/a.parquet", "SELECT CAST(1 AS INTEGER) AS n, 'x' AS more")
        copy = f"COPY INTO ops.lake.grows FROM '{VOLUME}/grows/' FILEFORMAT = PARQUET"
        self.fails(copy, "42KDG", "more is not there")
        self.assertEqual(self.ok(f"{copy} FORMAT_OPTIONS ('mergeSchema' = 'true') COPY_OPTIONS ('mergeSchema' = 'true')"), [["1", "1", "0"]])
        self.assertEqual(self.ok("SELECT n, more FROM ops.lake.grows"), [["1", "x"]])

    def test_columns_can_be_chosen_and_cast(self):
        self.ok("CREATE TABLE ops.lake.chosen (n INT, v STRING)")
        self.upload("chosen/a.parquet", "SELECT '7' AS n, 'x' AS v, 1 AS other")
        self.ok(f"COPY INTO ops.lake.chosen FROM (SELECT n::INT, upper(v) AS v FROM '{VOLUME}/chosen/') FILEFORMAT = PARQUET PATTERN = '*.parquet'")
        self.assertEqual(self.ok("SELECT * FROM ops.lake.chosen"), [["7", "X"]])

    def test_damaged_files(self):
        self.ok("CREATE TABLE ops.lake.damaged (n BIGINT)")
        self.upload("damaged/good.parquet", "SELECT 1 AS n")
        EMULATOR.call("PUT", f"/api/2.0/fs/files{VOLUME}/damaged/bad.parquet", b"this is no parquet", {"overwrite": "true"})
        copy = f"COPY INTO ops.lake.damaged FROM '{VOLUME}/damaged/' FILEFORMAT = PARQUET"
        self.assertEqual(self.statement(copy)["status"]["state"], "FAILED")
        self.assertEqual(self.ok("SELECT count(*) FROM ops.lake.damaged"), [["0"]])
        self.assertEqual(self.ok(f"{copy} FORMAT_OPTIONS ('ignoreCorruptFiles' = 'true')"), [["1", "1", "1"]])
        self.upload("damaged/bad.parquet", "SELECT 2 AS n")
        self.assertEqual(self.ok(copy), [["1", "1", "0"]])

    def test_what_is_not_there(self):
        self.fails(f"COPY INTO ops.lake.nothing FROM '{VOLUME}/x' FILEFORMAT = PARQUET", "42P01", "TABLE_OR_VIEW_NOT_FOUND")
        self.ok("CREATE TABLE IF NOT EXISTS ops.lake.empty (n BIGINT)")
        self.fails(f"COPY INTO ops.lake.empty FROM '{VOLUME}/x' FILEFORMAT = PARQUET FILES = ('y')", "42K03", "PATH_NOT_FOUND")


class Delta(Case):
    def test_merge_history_and_optimize(self):
        self.ok("CREATE TABLE ops.lake.state (k STRING, v BIGINT)")
        for _ in range(2):
            self.ok("MERGE INTO ops.lake.state t USING (SELECT :k AS k, :v AS v) s ON t.k = s.k "
                    "WHEN MATCHED THEN UPDATE SET v = t.v + s.v WHEN NOT MATCHED THEN INSERT *",
                    parameters=[{"name": "k", "value": "a"}, {"name": "v", "value": "2", "type": "BIGINT"}])
        self.assertEqual(self.ok("SELECT * FROM ops.lake.state VERSION AS OF 1"), [["a", "2"]])
        self.assertEqual(self.ok("SELECT v FROM state", catalog="ops", schema="lake"), [["4"]])
        self.assertEqual(self.ok("SELECT v FROM lake.state", catalog="ops"), [["4"]])
        self.ok("OPTIMIZE ops.lake.state")
        operations = [row[4] for row in self.ok("DESCRIBE HISTORY ops.lake.state")]
        self.assertIn("MERGE", operations)

    def test_names_by_parameter(self):
        self.ok("CREATE TABLE IF NOT EXISTS IDENTIFIER(:t) (n INT)", parameters=[{"name": "t", "value": "ops.lake.named"}])
        self.assertEqual(self.ok("SELECT count(*) FROM IDENTIFIER(:t)", parameters=[{"name": "t", "value": "ops.lake.named"}]), [["0"]])

    def test_types(self):
        done = self.statement("SELECT CAST(1.5 AS DECIMAL(10,2)) d, ARRAY(1, 2) a, NAMED_STRUCT('x', 1) s, MAP('k', 1) m, true b, "
                              "DATE'2026-01-02' t, CAST(NULL AS STRING) n")
        self.assertEqual(done["result"]["data_array"], [["1.50", "[1, 2]", '{"x": 1}', '{"k": 1}', "true", "2026-01-02", None]])
        self.assertEqual([column["type_name"] for column in done["manifest"]["schema"]["columns"]],
                         ["DECIMAL", "ARRAY", "STRUCT", "MAP", "BOOLEAN", "DATE", "STRING"])

    def test_errors_have_their_states(self):
        self.fails("SELECT * FROM ops.lake.nowhere", "42P01", "TABLE_OR_VIEW_NOT_FOUND")
        self.fails("SELEC 1", "42601", "PARSE_SYNTAX_ERROR")
        self.fails("SELECT CAST('x' AS INT)", "22018", "CAST_INVALID_INPUT")

    def test_tables_are_listed(self):
        self.ok("CREATE TABLE IF NOT EXISTS ops.lake.listed (id BIGINT, name STRING)")
        table = EMULATOR.call("GET", "/api/2.1/unity-catalog/tables/ops.lake.listed").json
        self.assertEqual([column["type_name"] for column in table["columns"]], ["LONG", "STRING"])

    def test_cost_by_struct_fields(self):
        EMULATOR.project("costly")
        uid = EMULATOR.postgres("GET", "projects/costly").json["uid"]
        rows = self.ok("SELECT u.sku_name, SUM(u.usage_quantity * COALESCE(p.pricing.effective_list.default, p.pricing.default)) AS cost "
                       "FROM system.billing.usage u LEFT JOIN system.billing.list_prices p ON u.sku_name = p.sku_name AND p.currency_code = 'USD' "
                       "WHERE u.usage_metadata.project_id = :uid AND u.usage_date >= date_sub(current_date(), CAST(:days AS INT)) GROUP BY ALL",
                       parameters=[{"name": "uid", "value": uid}, {"name": "days", "value": "7"}])
        self.assertEqual(len(rows), 2)
        self.assertTrue(all(float(row[1]) > 0 for row in rows))

    def test_cancel(self):
        # More rows than any machine goes through in time.
        ident = self.begin("SELECT sum(a.id * b.id % 7) FROM range(4000000) a CROSS JOIN range(4000000) b")
        state = lambda: self.look(ident)["status"]["state"]
        harness.until(lambda: state() == "RUNNING")

        def canceled():
            EMULATOR.call("POST", f"/api/2.0/sql/statements/{ident}/cancel", {})
            return state() == "CANCELED"
        harness.until(canceled)


if __name__ == "__main__":
    harness.main()
