"""Two engines beside Postgres: what DuckDB made of a table at home, Spark with Delta has to see alike, through the statements
and the service of a workspace.

usage: sync_spark.py JARS_DIR (with the tests' own Python)
"""
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "emulator"))
import harness  # noqa: E402

import place  # noqa: E402
from cold_place import KINDS_THAT_COME_BACK  # noqa: E402
from place import VERSIONS, Given, equal, holds, suite  # noqa: E402
from sync_place import copy, detail_of, make, one, rows_of, same  # noqa: E402

EMULATOR = harness.Emulator("--sql", "spark", "--spark-jars", sys.argv.pop(1), "--set", "warehouse_start_s=0.1")
READY = EMULATOR.ready
PATIENCE_S = place.PATIENCE = 500
DELTA = f"""
[services.delta]
plugin = "delta_databricks"
host = "{EMULATOR.url}"
ca_file = "{EMULATOR.ca}"
warehouse_id = "{READY["warehouse_id"]}"
poll_ms = 10
"""


def begin(text):
    return EMULATOR.call("POST", "/api/2.0/sql/statements", {"warehouse_id": READY["warehouse_id"], "statement": text,
                                                             "wait_timeout": "0s"}).json["statement_id"]


def statement(text):
    ident = begin(text)

    def over():
        found = EMULATOR.call("GET", f"/api/2.0/sql/statements/{ident}").json
        return found if found["status"]["state"] not in ("PENDING", "RUNNING") else None
    done = harness.until(over, PATIENCE_S)
    equal(done["status"]["state"], "SUCCEEDED", f"{text}: {done['status']}")
    return done.get("result", {}).get("data_array")


def move(given, columns):
    """The table at home as one of the workspace: its Parquet files, loaded as a job would."""
    for text in ("CREATE CATALOG IF NOT EXISTS main", "CREATE SCHEMA IF NOT EXISTS main.public",
                 "CREATE VOLUME IF NOT EXISTS main.public.files"):
        statement(text)
    typed = ", ".join("`{}` {}".format(c["name"], c["type"].upper()) for c in columns)
    statement(f"CREATE TABLE main.public.orders ({typed}) USING DELTA")
    files = sorted((given.state / "lake/main/public/orders").glob("*.parquet"))
    for path in files:
        answer = EMULATOR.call("PUT", f"/api/2.0/fs/files/Volumes/main/public/files/{path.name}", path.read_bytes(),
                               {"overwrite": "true"})
        equal(answer.status, 204, path.name)
    loaded = statement("COPY INTO main.public.orders FROM '/Volumes/main/public/files/' FILEFORMAT = PARQUET")
    holds(int(loaded[0][0]) > 0, f"rows: {loaded}")


def spark_sees_what_duckdb_sees():
    with Given(VERSIONS[-1]) as given:
        make(given)
        copy(given)
        columns = given.run("lake_door", action="look", schema="public")["result"]["columns"]
        _, home = one(given, "validate_sync_integrity", grace_s=0)
        same(home)
        move(given, columns)
        given.write(DELTA)
        env = {"DATABRICKS_TOKEN": READY["pat"]}
        looked = given.run("lake_door", action="look", schema="public", env=env)["result"]["columns"]
        equal(looked, columns, "the table's shape")
        _, there = one(given, "validate_sync_integrity", grace_s=0, scope="full", env=env)
        same(there)
        equal(there["integrity"][0]["target_checksum"], home["integrity"][0]["target_checksum"], "one digest")
        equal(detail_of(there)["columns_left_out"], None, "of all columns")
        given.sql("UPDATE orders SET num = num + 0.01, names = '{x}' WHERE id = 3; DELETE FROM orders WHERE id = 10001")
        statement("UPDATE main.public.orders SET f8 = f8 + 1e-9 WHERE id = 2")
        _, waits = one(given, "run_full_sync_validation", grace_s=0, scope="full", env=env)
        equal((detail_of(waits)["extra"], detail_of(waits)["in_flight"], waits["completeness"][0]["extra_in_flight"]), (0, 1, True),
              "a row that was deleted at the source is in flight")
        _, apart = one(given, "run_full_sync_validation", grace_s=0, scope="full", max_lag_s=0, env=env)
        same(apart, "mismatch")
        detail = detail_of(apart)
        equal((dict(zip(detail["different_keys"], detail["different_columns"])), detail["extra_keys"]),
              ({"2": "f8", "3": "num, names"}, ["10001"]), "the rows and columns that differ, changed here and over there")
        equal((apart["completeness"][0]["extra"], apart["issues"]), (1, 1), "completeness over there")
        absent = given.run("validate_sync_completeness", source_table="orders", target_delta_table="main.public.none",
                           env=env)["result"]
        holds("no such table in the lakehouse" in str(absent["skipped"]), absent)


# ---- archives ----

ARCHIVED = """
CREATE TABLE orders (id bigint PRIMARY KEY, placed_at timestamptz NOT NULL DEFAULT now(), note text, amount numeric(12,2),
                     tags text[], v int NOT NULL DEFAULT 0);
INSERT INTO orders SELECT n, date_trunc('second', now()) - (60 - n) * interval '5 day', E'it''s \\\\"' || n, n / 7.0,
                          ARRAY['a', NULL], 0
  FROM generate_series(1, 60) n;
ANALYZE orders;
"""


def register(given):
    """What a registered catalog shows of the database, as it stands now: its rows and its ledger at one moment."""
    rows = given.sql("SELECT format('(%s, TIMESTAMP%L, %L, %s, array(%L, NULL), %s)', id, placed_at AT TIME ZONE 'UTC', 'n', amount, "
                     "'a', v) FROM orders").splitlines()
    steps = given.sql("SELECT format('(%L, %L)', batch, state) FROM lbops_archive.steps").splitlines()
    for text in ("CREATE CATALOG IF NOT EXISTS shop", "CREATE SCHEMA IF NOT EXISTS shop.public",
                 "CREATE SCHEMA IF NOT EXISTS shop.lbops_archive",
                 "CREATE OR REPLACE TABLE shop.public.orders (id BIGINT, placed_at TIMESTAMP, note STRING, amount DECIMAL(38,18), "
                 "tags ARRAY<STRING>, v INT) USING DELTA",
                 "CREATE OR REPLACE TABLE shop.lbops_archive.steps (batch STRING, state STRING) USING DELTA",
                 f"INSERT INTO shop.public.orders VALUES {', '.join(rows)}",
                 f"INSERT INTO shop.lbops_archive.steps VALUES {', '.join(steps)}"):
        statement(text)


def view_of(given):
    return f"vw_shop_{given.database}_public_orders_unified"


def unified(given):
    """Amounts as the server has them: the registered catalog has more digits than it or the archive."""
    rows = statement("SELECT id, unix_seconds(placed_at), CAST(amount AS DECIMAL(12,2)), tags, v FROM "
                     f"ops_catalog.lakebase_archive.`{view_of(given)}` ORDER BY id")
    return ["|".join(row).replace(" ", "") for row in rows]


def archived_through_the_workspace():
    with Given(VERSIONS[-1], kind="shared", more=DELTA) as given:
        given.sql(ARCHIVED)
        words = {"tables": ["orders"], "min_rows": 1, "batch_rows": 20, "pause_ms": 0}
        before = given.sql("SELECT id, extract(epoch FROM placed_at)::bigint, amount, to_jsonb(tags), v FROM orders ORDER BY id")
        before = before.replace(" ", "").splitlines()
        done = given.run("archive_cold_data_to_delta", check=3, **words)["result"]["archivals"][0]
        equal((done["status"], done["batches"], done["rows_exported"]), ("waiting", 3, 42), f"copied and counted there: {done}")
        again = given.run("archive_cold_data_to_delta", check=3, **words)["result"]["archivals"][0]
        equal(again["rows_exported"], 0, "nothing is copied twice")
        counted = "SELECT count(*), count(DISTINCT id), count(DISTINCT lbops_batch) FROM ops_catalog.lakebase_archive."
        equal(statement(f"{counted}`shop_{given.database}_public_orders`"), [["42", "42", "3"]], "each once")
        register(given)
        made = given.run("create_unified_access_view")["result"]["views"][0]
        equal((made["status"], made["view_name"], made["columns"]), ("created", f"ops_catalog.lakebase_archive.{view_of(given)}", 6), f"made: {made}")
        equal(unified(given), before, "copied, and not deleted")
        with given.session() as other:
            other.stdin.write("BEGIN; SELECT id FROM orders WHERE id = 15 FOR UPDATE;\n\\echo held\n")
            while other.stdout.readline() != "held\n":
                pass
            given.approve(given.approvals()[0]["id"])
            other.stdin.close()
            other.wait()
        equal(given.sql("SELECT count(*), min(id), max(id) FROM orders WHERE id <= 42"), "20|1|20", "in the middle")
        register(given)
        equal(unified(given), before, "the same rows in the middle of it")
        equal(given.run("create_unified_access_view")["result"]["views"][0]["status"], "unchanged", "nothing to do")
        given.sql("ALTER TABLE orders ADD COLUMN later int DEFAULT 7")
        given.run("archive_cold_data_to_delta", check=None, **words)  # what was held has changed its shape, and is given up
        given.run("archive_cold_data_to_delta", check=3, **words)
        equal(statement(f"SELECT count(*), sum(later) FROM ops_catalog.lakebase_archive.`shop_{given.database}_public_orders` "
                        "WHERE later IS NOT NULL"), [["20", "140"]], "a column that came later")


def what_spark_reads_back_is_proven():
    with Given(VERSIONS[-1], kind="shared", more=DELTA) as given:
        make(given, "kinds")
        given.sql("UPDATE kinds SET updated_at = updated_at - interval '10 years'; ALTER TABLE kinds ADD n4 numeric(4,4), ADD s char(5), "
                  "ADD i interval; UPDATE kinds SET n4 = (abs(id) % 10) / 10.0 - 0.5, s = 'a', i = '1 mon 2.5 s'; ANALYZE kinds")
        words = {"tables": ["kinds"], "time_columns": ["kinds=updated_at"], "min_rows": 1, "batch_rows": 10000, "pause_ms": 0}
        done = given.run("archive_cold_data_to_delta", check=3, **words)["result"]["archivals"][0]
        equal(done["status"], "waiting", f"nothing is taken for altered: {done}")
        statement(f"UPDATE ops_catalog.lakebase_archive.`shop_{given.database}_public_kinds` SET num = num + 0.01 WHERE id = 3")
        given.sql("DELETE FROM lbops_archive.steps")
        error = given.run("archive_cold_data_to_delta", check=1, **words)["error"]
        equal(error["code"], "conflict", f"what was altered is seen: {error}")
        holds("1 of " in error["message"] and error["message"].endswith("the one with the key 3;"), error)


def archived_rows_come_back_as_they_left():
    rows = "SELECT id, md5(k::text) FROM kinds k ORDER BY id"
    with Given(VERSIONS[-1], kind="throwaway", more=DELTA) as given:
        make(given, "kinds")
        given.sql(KINDS_THAT_COME_BACK)
        before = given.sql(rows).splitlines()
        given.run("archive_cold_data_to_delta", tables=["kinds"], time_columns=["kinds=updated_at"], min_rows=1, batch_rows=500, pause_ms=0)
        equal(given.sql("SELECT count(updated_at) FROM kinds"), "0", "they have left")
        done = given.run("restore_archived_rows", table="kinds", since="2000-01-01", until="2100-01-01")["result"]["batches"]
        equal({b["status"] for b in done}, {"restored"}, f"brought back: {done}")
        now = given.sql(rows).splitlines()
        equal([row for row in before if row not in set(now)], [], "as they were")
        equal(len(now), len(before), "and no others")


os.environ["DATABRICKS_TOKEN"] = READY["pat"]
ROWS = "INSERT INTO moved SELECT i, to_timestamp(1767225600 + i * 60) FROM generate_series({}, {}) AS i"
COPIED = "INSERT INTO main.public.moved SELECT CAST(id AS INT), timestamp_micros(1767225600000000 + id * 60000000) FROM range({}, {})"


def more_keys_than_a_warehouse_takes():
    pair = {"source_table": "moved", "target_delta_table": "main.public.moved", "grace_s": 0, "env": {"DATABRICKS_TOKEN": READY["pat"]}}
    with Given(VERSIONS[-1], more=DELTA) as given:
        given.sql("CREATE TABLE moved (id int PRIMARY KEY, updated_at timestamptz); " + ROWS.format(1, 9)
                  + "; INSERT INTO moved VALUES (100000, to_timestamp(1767225600))")  # parts of many rows each
        statement("CREATE TABLE main.public.moved (id INT, updated_at TIMESTAMP) USING DELTA")
        statement(COPIED.format(1, 10))
        statement("INSERT INTO main.public.moved VALUES (100000, timestamp_micros(1767225600000000))")
        equal(given.run("validate_sync_integrity", **pair)["result"]["integrity"][0]["status"], "healthy", "alike")
        given.sql(ROWS.format(10, 410))
        statement(COPIED.format(410, 411))
        found = given.run("validate_sync_integrity", **pair)["result"]["integrity"][0]
        equal((found["status"], found["detail"]["scope"], found["detail"]["missing"], found["detail"]["different"]),
              ("mismatch", "moved", 400, 0), "each of the missing rows was looked for")


def rows_ahead_of_the_time():
    pair = {"source_table": "ahead", "target_delta_table": "main.public.ahead", "env": {"DATABRICKS_TOKEN": READY["pat"]}}
    with Given(VERSIONS[-1], more=DELTA) as given:
        given.sql("CREATE TABLE ahead (id int PRIMARY KEY, updated_at timestamptz);"
                  "INSERT INTO ahead VALUES (1, '2026-01-01 00:00:00+00'), (2, '2999-01-01 00:00:00+00'), (3, '2026-01-02 00:00:00+00')")
        statement("CREATE TABLE main.public.ahead (id INT, updated_at TIMESTAMP) USING DELTA")
        statement("INSERT INTO main.public.ahead VALUES (1, TIMESTAMP'2026-01-01 00:00:00Z'), (2, TIMESTAMP'2999-01-01 00:00:00Z')")
        found = given.run("validate_sync_completeness", **pair)["result"]
        equal((found["completeness"][0]["missing"], found["completeness"][0]["target_max_ts"][:10]), (0, "2026-01-01"), "a row in flight")
        holds("rows whose updated_at lies in the future (ahead: 1, its copy: 1)" in str(found["findings"]), found)


# ---- repairs ----

def there(name):
    return statement(f"SELECT count(*), max(id), sum(CAST(id AS BIGINT)) FROM main.public.{name}")[0]


def repair(given, name, check=0, **params):
    return given.run("repair_synced_rows", check=check, source_table="mended", target_delta_table=f"main.public.{name}", grace_s=0, **params)


def asked_for(given):
    found = given.approvals()
    equal(len(found), 1, f"one waits: {found}")
    return found[0]


def compared(given, name):
    return given.run("validate_sync_integrity", source_table="mended", target_delta_table=f"main.public.{name}", grace_s=0, max_lag_s=0,
                     scope="full")["result"]["integrity"][0]


def rows_become_what_they_are(version):
    name = f"mended{version}"
    with Given(version, kind="shared", more=DELTA) as given:
        make(given, "mended")
        copy(given, "mended", name=name)
        given.sql("UPDATE mended SET t = t || E'\\u00e4\\'\"\\\\', jb = '{\"k\": [1, \"\\u00e9\"]}', raw = '\\x00ff', num = -num, f4 = 0.1, "
                  "names = '{\"a;b\",NULL,\"\"}', ts = ts + interval '1 microsecond' WHERE id IN (3, 4); UPDATE mended SET f8 = 5e-324, d = NULL, "
                  "b = NULL WHERE id = 101; INSERT INTO mended SELECT (jsonb_populate_record(m, jsonb_build_object('id', m.id + 500))).* "
                  "FROM mended m WHERE id IN (2, 3); DELETE FROM mended WHERE id IN (7, 8)")
        apart = compared(given, name)
        equal((apart["status"], apart["detail"]["missing"], apart["detail"]["different"], apart["detail"]["extra"]),
              ("mismatch", 2, 3, 2), "what was planted")
        holds("repair_synced_rows" in apart["next"] and name in apart["next"], f"what comes next: {apart['next']}")
        before = there(name)
        planned = repair(given, name, check=3)["result"]
        found = planned["repair"]
        equal((planned["status"], found["missing"], found["different"], found["extra"], found["extra_left"]), ("waiting", 2, 3, 0, 2), f"{planned}")
        equal((found["missing_keys"], found["different_keys"]), (["502", "503"], ["101", "3", "4"]), "which")
        asked = asked_for(given)
        holds("Delta version" in asked["reason"] and planned["source_wal_position"] in asked["reason"], asked["reason"])
        merges = [c["statement"] for c in asked["plan"] if "MERGE INTO" in c["statement"]]
        holds(len(merges) == 1 and '"k":"503"' in merges[0], f"the statement with its values: {merges}")
        equal(there(name), before, "nothing before somebody has agreed")
        given.approve(asked["id"])
        left = compared(given, name)
        equal((left["detail"]["missing"], left["detail"]["different"], left["detail"]["extra_keys"]), (0, 0, ["7", "8"]), f"{left}")
        again = repair(given, name)["result"]
        equal((again["status"], again["repair"]["extra_left"]), ("nothing_to_repair", 2), "a second time")
        equal(repair(given, name, check=3, delete_extra=True)["result"]["repair"]["extra_keys"], ["7", "8"], "which may go")
        given.approve(asked_for(given)["id"])
        equal(compared(given, name)["status"], "healthy", "one as the other")
        equal(repair(given, name, delete_extra=True)["result"]["status"], "nothing_to_repair", "and nothing is left to do")
        noted = [row["status"] for row in rows_of(given, "repair") if row["target_table"].endswith(name)]
        equal(noted, ["mismatch", "healthy"], "what history says of it")


def what_has_changed_since_is_asked_anew():
    name = "moved_on"
    with Given(VERSIONS[-1], kind="shared", more=DELTA) as given:
        make(given, "mended")
        copy(given, "mended", name=name)
        given.sql("UPDATE mended SET t = 'new' WHERE id IN (2, 3)")
        repair(given, name, check=3)
        given.sql("UPDATE mended SET t = 'newer' WHERE id = 3")
        refused = given.approve(asked_for(given)["id"], check=1)
        holds("rows of the table have changed since the repair was planned" in refused.stdout + refused.stderr, f"{refused}")
        equal(statement(f"SELECT count(*) FROM main.public.{name} WHERE t LIKE 'new%'"), [["0"]], "nothing was written")
        repair(given, name, check=3)
        statement(f"UPDATE main.public.{name} SET t = 'other' WHERE id = 100 + 5")
        given.approve(asked_for(given)["id"])  # another row, and another version: the planned ones are as they were
        equal(statement(f"SELECT id, t FROM main.public.{name} WHERE t LIKE 'new%' ORDER BY id"), [["2", "new"], ["3", "newer"]], "repaired")
        given.sql("UPDATE mended SET t = 'newest' WHERE id = 3")
        repair(given, name, check=3)
        statement(f"UPDATE main.public.{name} SET t = 'theirs' WHERE id = 3")
        refused = given.approve(asked_for(given)["id"], check=1)
        holds("is not as it was planned on" in refused.stdout + refused.stderr, f"{refused}")
        equal(statement(f"SELECT t FROM main.public.{name} WHERE id = 3"), [["theirs"]], "what others wrote stays")


def rows_are_repaired():
    for version in VERSIONS:
        rows_become_what_they_are(version)


begin("SELECT 1")  # Spark takes a while to start: meanwhile tables are made at home
try:
    suite(spark_sees_what_duckdb_sees, more_keys_than_a_warehouse_takes, rows_ahead_of_the_time, archived_through_the_workspace,
          what_spark_reads_back_is_proven, archived_rows_come_back_as_they_left, rows_are_repaired, what_has_changed_since_is_asked_anew)
finally:
    EMULATOR.stop()
