"""What the suites of the archival share: a workspace with a lakehouse at home, and a look into its tables that does not
go by way of the program: the log is read here, and the data files by DuckDB's library."""

import json
import os

from duck import Duck
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


class Archive(Clinic):
    """A database and its lakehouse."""

    def __init__(self, version, kind="shared"):
        super().__init__(version, kind=kind, more=DELTA)
        self.duck = Duck(os.environ["LBOPS_PLUGINS"])

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
        return self.duck.ask(f"SELECT {columns} FROM read_parquet([{listed}], union_by_name = true) WHERE {where}")

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
