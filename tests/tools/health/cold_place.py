"""What the suites of the archival share: a workspace with a lakehouse at home, and a look into its tables that does not
go by way of the program: the log is read here, and the data files by DuckDB's library."""

import ctypes
import json
import os
import pathlib
import re
import subprocess

from health_place import Clinic
from place import equal

DELTA = '[services.delta]\nplugin = "delta_local"\nflush_interval_s = 3600\n'


ORDERS = """
CREATE TABLE orders (id bigint PRIMARY KEY, placed_at timestamptz NOT NULL DEFAULT now(), note text, amount numeric(12,2),
                     tags text[], doc jsonb, raw bytea, v int NOT NULL DEFAULT 0);
INSERT INTO orders SELECT n, now() - (1000 - n) * interval '0.2 day', 'it''s "' || n, n / 7.0, ARRAY['a', NULL, 'b,c'],
                          '{"k": [1, null]}', '\\x00ff', 0
  FROM generate_series(1, 1000) n;
ANALYZE orders;
"""
COLD = "SELECT count(*) FROM orders WHERE placed_at < now() - interval '90 days'"


def only(place):
    listed = place.approvals()
    equal(len(listed), 1, "one decision")
    return listed[0]


class Duck:
    """DuckDB in memory."""

    class Result(ctypes.Structure):
        _fields_ = [("columns", ctypes.c_uint64), ("rows", ctypes.c_uint64), ("changed", ctypes.c_uint64),
                    ("cells", ctypes.c_void_p), ("error", ctypes.c_char_p), ("inside", ctypes.c_void_p)]

    def __init__(self):
        linked = subprocess.run(["ldd", f"{os.environ['LBOPS_PLUGINS']}/delta_local.so"], capture_output=True, text=True,
                                check=True).stdout
        self.lib = ctypes.CDLL(re.search(r"libduckdb\.so => (\S+)", linked).group(1))
        self.lib.duckdb_value_varchar.restype = ctypes.c_void_p
        self.lib.duckdb_result_error.restype = ctypes.c_char_p
        self.lib.duckdb_column_count.restype = self.lib.duckdb_row_count.restype = ctypes.c_uint64
        self.database, self.connection = ctypes.c_void_p(), ctypes.c_void_p()
        assert self.lib.duckdb_open(None, ctypes.byref(self.database)) == 0
        assert self.lib.duckdb_connect(self.database, ctypes.byref(self.connection)) == 0

    def ask(self, sql):
        result = self.Result()
        failed = self.lib.duckdb_query(self.connection, sql.encode(), ctypes.byref(result))
        if failed:
            raise AssertionError(self.lib.duckdb_result_error(ctypes.byref(result)).decode())
        rows = [[self.cell(result, column, row) for column in range(self.lib.duckdb_column_count(ctypes.byref(result)))]
                for row in range(self.lib.duckdb_row_count(ctypes.byref(result)))]
        self.lib.duckdb_destroy_result(ctypes.byref(result))
        return rows

    def cell(self, result, column, row):
        text = self.lib.duckdb_value_varchar(ctypes.byref(result), ctypes.c_uint64(column), ctypes.c_uint64(row))
        value = ctypes.string_at(text).decode() if text else None
        self.lib.duckdb_free(ctypes.c_void_p(text))
        return value


class Archive(Clinic):
    """A database and its lakehouse."""

    def __init__(self, version, kind="shared"):
        super().__init__(version, kind=kind, more=DELTA)
        self.duck = Duck()

    def folder(self, table):
        return self.state / "lake" / "ops_catalog" / "lakebase_archive" / f"shop_{self.database}_{table}"

    def files(self, table):
        """Data files of the newest version."""
        live = {}
        for path in sorted((self.folder(table) / "_delta_log").glob("*.json")):
            for action in map(json.loads, path.read_text().splitlines()):
                if "add" in action:
                    live[action["add"]["path"]] = True
                if "remove" in action:
                    live.pop(action["remove"]["path"], None)
        return [str(self.folder(table) / name) for name in live]

    def lake(self, table, columns, where="true"):
        files = self.files(table)
        if not files:
            return []
        listed = ", ".join(f"'{name}'" for name in files)
        return self.duck.ask(f"SELECT {columns} FROM read_parquet([{listed}]) WHERE {where}")

    def settled(self):
        """Batches whose rows are of the lakehouse now."""
        if self.sql("SELECT to_regclass('lbops_archive.steps') IS NOT NULL") == "f":
            return []
        return self.sql("SELECT batch FROM lbops_archive.steps WHERE state = 'deleted'").split()

    def cold(self, table, columns):
        batches = ", ".join(f"'{batch}'" for batch in self.settled())
        return self.lake(table, columns, f"lbops_batch IN ({batches})") if batches else []

    def archive(self, check=0, **given):
        wishes = {"min_rows": 1, "batch_rows": 100, "pause_ms": 0, **given}
        return self.run("archive_cold_data_to_delta", check=check, **wishes)
