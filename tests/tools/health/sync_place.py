"""Tables with copies in the lakehouse: made through the door, then altered on one side."""
import json
import os

import place
from place import equal
from planted import answer

if "LBOPS_LAKE_PLUGINS" in os.environ:  # or only the table is wanted
    place.PLUGINS = f'{os.environ["LBOPS_PLUGINS"]}", "{os.environ["LBOPS_LAKE_PLUGINS"]}'

COLUMNS = {
    "id": "bigint", "small": "smallint", "whole": "integer", "num": "numeric(12,2)", "tiny": "numeric(20,10)",
    "wide": "numeric", "f4": "real", "f8": "double precision", "t": "text", "v": "character varying(20)",
    "c": "character(6)", "b": "boolean", "d": "date", "ts": "timestamp without time zone",
    "tz": "timestamp with time zone", "raw": "bytea", "j": "json", "jb": "jsonb", "u": "uuid", "names": "text[]",
    "numbers": "integer[]", 'Odd"name"': "text", "updated_at": "timestamp with time zone"}


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


CREATE = "CREATE TABLE {0} (" + ", ".join(f"{quoted(n)} {t}" for n, t in COLUMNS.items()) + ", PRIMARY KEY (id));\n"
EDGES = r"""
INSERT INTO {0} (id, updated_at) VALUES (1, '2026-01-01'), (-5, NULL);
INSERT INTO {0} VALUES
 (2, -32768, 2147483647, 0.00, 0.0000000001, 123456789012345678901234567890.123456789, 0.1, 0.1, '', '', '', true,
  '0001-01-01', '1900-01-01 00:00:00.000001', '1969-12-31 23:59:59.999999+00', '\x', '{}', '[]',
  '00000000-0000-0000-0000-000000000000', '{}', '{}', '', '2026-01-01 00:00:00.123456+05:30'),
 (3, 32767, -2147483648, -9999999999.99, -0.0000001, -0.000, 'NaN', '-Infinity', E'\u00e4\U0001F600\u0301 \u200b\t\n"''\\~;:',
  'x  ', 'a  b', false, '9999-12-31', '9999-12-31 23:59:59.999999', '2024-03-10 02:30:00-05', '\x00ff27', '{"b":1,  "a":[null]}',
  '{"b": 1, "a": "\u00e9"}', 'ffffffff-ffff-ffff-ffff-ffffffffffff', '{"a;b",NULL,"","~"}', '{1,NULL,-3}', '~', '2026-01-02'),
 (4, 0, 0, 10.10, 1.5, 1e20, 3.4028235e38, 1.7976931348623157e308, repeat('long ', 5000), NULL, NULL, NULL, '1970-01-01',
  '1970-01-01', '1970-01-01+00', NULL, 'null', 'null', NULL, NULL, '{}', NULL, '2026-01-03'),
 (5, 1, 1, 0.01, 1, 0.5, 1e-45, 5e-324, 'NULL', 'NULL', 'NULL', NULL, '2000-02-29', '2000-02-29', '2000-02-29+00', NULL,
  NULL, NULL, NULL, NULL, NULL, NULL, '2026-01-03'),
 (6, 1, 1, 1, 1, 1, -0.0, -0.0, 'a', 'a', 'a', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-01-03'),
 (7, 1, 1, 1, 1, 1, 1024, 4503599627370497.5, 'a', 'a', 'a', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-01-03'),
 (8, 1, 1, 1, 1, 1, 0.33333334, 2.2250738585072014e-308, 'a', 'a', 'a', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-01-03'),
 (9, 1, 1, 1, 1, 1, 16777216, 9007199254740993, 'a', 'a', 'a', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-01-03');
INSERT INTO {0} (id, f4, f8, tiny, t, updated_at)
 SELECT 100 + i, (random() * 1e10 - 5e9)::real, (random() - 0.5) * power(10::float8, (random() * 600 - 300)::int),
        round((random() * 1e-6)::numeric, 10), md5(i::text), '2026-01-04'::timestamptz + i * interval '1 second'
   FROM generate_series(1, 400) AS i;
INSERT INTO {0} (id, f8, updated_at) SELECT 10000 + i, power(2::float8, i), '2026-01-04' FROM generate_series(-1074, 1023) AS i;
INSERT INTO {0} (id, f8, updated_at) SELECT 20000 + i, power(2::float8, i) * (1 - 2.220446049250313e-16), '2026-01-04'
  FROM generate_series(-1000, 1023) AS i;
"""


# A check waits for a lock of the test, and the test for that.
PATIENT = "\nlock_timeout_ms = 100000\nread_lock_timeout_ms = 100000"
WAITS = """DO $$ BEGIN
WHILE NOT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND database = (SELECT oid FROM pg_database
                                                                         WHERE datname = current_database())) LOOP
  PERFORM pg_sleep(0.02);
END LOOP; END $$"""


def make(given, table="orders"):
    """The table with one row for each thing that engines see differently."""
    given.sql((CREATE + EDGES).replace("{0}", quoted(table)))


def copy(given, table="orders", key="k1", first=-10**9, catalog="main", schema="public", name=None, columns=None):
    columns = columns or COLUMNS
    return given.run("lake_door", source=table, catalog=catalog, schema=schema, name=name or table, key=key, first=first,
                     columns=list(columns), types=list(columns.values()))["result"]["receipt"]


def one(given, tool, **params):
    result = given.run(tool, source_table="orders", target_delta_table="main.public.orders", **params)
    return result, result["result"]


def detail_of(result):
    return result["integrity"][0]["detail"]


def rows_of(given, check):
    return answer(given, f"SELECT * FROM sync_validation_history WHERE check_type = '{check}' ORDER BY validated_at")


def events_of(document):
    return [event for event in document["events"] if event["kind"] == "sync.drift_detected"] if document["events"] else []


def same(result, want="healthy"):
    equal(result["integrity"][0]["status"], want, json.dumps(result)[:2000])
