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

# What sync_place's table has got of other types.
KINDS = """
CREATE TYPE mood AS ENUM ('sad; ', '~'); CREATE DOMAIN yes AS bool; CREATE DOMAIN short AS char(5); CREATE DOMAIN exact AS numeric;
CREATE TYPE pair AS (a int, b text);
UPDATE kinds SET updated_at = updated_at - interval '10 years';
ALTER TABLE kinds ADD m mood, ADD y yes, ADD s short, ADD e exact, ADD p pair, ADD c1 "char", ADD c2 bpchar, ADD n4 numeric(4,4),
  ADD n0 numeric(10,-2), ADD n38 numeric(38,10), ADD i interval, ADD a inet, ADD r tstzrange, ADD x bit varying, ADD o oid, ADD money money,
  ADD ti time, ADD tt timetz, ADD xs xml, ADD tsv tsvector, ADD pt point, ADD "A:~" text, ADD stamps timestamptz[], ADD moods mood[],
  ADD pairs pair[], ADD ps text[];
UPDATE kinds SET m = 'sad; ', y = id % 2 = 0, s = 'a', e = 1.500, p = (1, NULL), c1 = 'c', c2 = 'a  ', n4 = (abs(id) % 10) / 10.0 - 0.5,
  n0 = 12345, n38 = '-1234567890123456789012345678.0123456789', i = '1 mon -3 days 04:05:06.7', a = '10.0.0.1/8',
  r = '[2024-01-01,)', x = '101', o = 4294967295, money = 12.5::numeric::money, ti = '24:00', tt = '10:00+05:30', xs = '<a> </a>', tsv = 'a:1 b',
  pt = '(0.1,2)', "A:~" = ';' || id || ';;~', stamps = '{2024-03-10 02:30-05,NULL}', moods = '{~}', pairs = ARRAY[(1, 'a')::pair],
  ps = '[5:6]={a,b}' WHERE id % 3 <> 0;
UPDATE kinds SET p = (NULL, NULL) WHERE id % 3 = 0;
ANALYZE kinds;
"""

# Of those, fewer powers of two, but such as DuckDB prints as others (2^81, 2^91) or as no number (2^807); texts that have
# what stands between cells; and no bounds, which no lakehouse keeps.
KINDS_THAT_COME_BACK = KINDS + """
DELETE FROM kinds WHERE id > 9000 AND id % 5 <> 1 AND id <> 10807; UPDATE kinds SET ps = NULL;
UPDATE kinds SET t = '^1;^2^' || chr(10) || ';:' || chr(39) || chr(92) || id WHERE id > 100;
"""


def only(place):
    listed = place.approvals()
    equal(len(listed), 1, "one decision")
    return listed[0]


def rewrite(place, path, expression, columns="*"):
    """The data file again, with another value in a column, and all else as it was."""
    place.duck.ask(f"COPY (SELECT {columns} REPLACE ({expression}) FROM read_parquet('{path}')) TO '{path}.new' (FORMAT parquet)")
    os.replace(f"{path}.new", path)


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


COLUMNS = "id, placed_at, note, amount, tags, doc, raw, v"


class Unified(Archive):
    """Whose database is a catalog of the lakehouse."""

    def __init__(self, version, kind="shared"):
        super().__init__(version, kind=kind)
        self.write(DELTA + f'catalogs = ["shop={self.url()}"]\n')

    def name(self, table="orders", schema="public"):
        return f"ops_catalog.lakebase_archive.vw_shop_{self.database}_{schema}_{table}_unified"

    def rows(self, source, columns=COLUMNS):
        answer = json.loads(self.cli("--json", "sql", "--lake", f"SELECT {columns} FROM {source} ORDER BY id", check=0).stdout)
        return answer["rows"]

    def view(self, check=0, **given):
        done = self.run("create_unified_access_view", check=check, **given)
        return done["result"]["views"][0]
