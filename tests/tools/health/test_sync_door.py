"""The door to the lakehouse: what is appended once, what is asked, and what is refused."""
import concurrent.futures
import fcntl
import json
import os
import time

import place
from place import Given, contains, each_version, equal, holds, suite

place.PLUGINS = f'{os.environ["LBOPS_PLUGINS"]}", "{os.environ["LBOPS_LAKE_PLUGINS"]}'
COLUMNS = ["id", "small", "num", "wide", "f4", "f8", "t", "b", "d", "ts", "tz", "raw", "j", "names", 'Odd"name"']
TYPES = ["bigint", "smallint", "numeric(12,2)", "numeric", "real", "double precision", "text", "boolean", "date",
         "timestamp without time zone", "timestamp with time zone", "bytea", "jsonb", "text[]", "character varying(20)"]
TABLE = '''CREATE TABLE orders (id bigint PRIMARY KEY, small smallint, num numeric(12,2), wide numeric, f4 real,
 f8 double precision, t text, b boolean, d date, ts timestamp, tz timestamptz, raw bytea, j jsonb, names text[],
 "Odd""name""" varchar(20));
INSERT INTO orders VALUES
 (1, 1, 1.50, 0.1234567890123456789012345678901234567890123, 0.1, 0.1, E'a "quoted", \\n line \\\\ \u20ac', true,
  '2024-02-29', '2024-02-29 12:00:00.000001', '2024-02-29 12:00:00.5+02', '\\x00ff', '{"a": [1, null]}', '{a,NULL,"b,c"}', 'x'),
 (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
 (3, -5, -0.01, 'NaN', '-Infinity', 1e300, '', false, '1900-01-01', '1900-01-01', '1900-01-01', '', '[]', '{}', '');
'''


def append(place, check=0, **params):
    return place.run("lake_door", check=check, columns=COLUMNS, types=TYPES, **params)


def rows_are_appended_once(version):
    with Given(version) as given:
        given.sql(TABLE)
        first = append(given)["result"]["receipt"]
        equal((first["rows"], first["repeated"], first["key"], first["version"]), (3, False, "k1", 0), "the receipt")
        again = append(given)["result"]["receipt"]
        equal(again, {**first, "repeated": True}, "the receipt of a key that was seen")
        more = append(given, key="k2", first=2)["result"]["receipt"]
        equal((more["rows"], more["version"], more["repeated"]), (2, 1, False), "another batch")
        asked = given.run("lake_door", action="batch", key="k2", first=3)["result"]["batches"]
        equal(asked, [{"batch": "k2", "rows": 1, "first": 3}], "what the lakehouse has of it")
        looked = given.run("lake_door", action="look")["result"]
        equal({c["name"]: c["type"] for c in looked["columns"]},
              {"lbops_batch": "string", "id": "bigint", "small": "smallint", "num": "decimal(12,2)", "wide": "string",
               "f4": "float", "f8": "double", "t": "string", "b": "boolean", "d": "date", "ts": "timestamp",
               "tz": "timestamp", "raw": "binary", "j": "string", "names": "string", 'Odd"name"': "string"}, "types")
        equal(looked["version"], 1, "the version")
        empty = append(given, key="nothing", first=100)["result"]["receipt"]
        equal((empty["rows"], empty["bytes"]), (0, 0), "a batch without rows")
        holds(append(given, key="nothing", first=0)["result"]["receipt"]["repeated"], "which is a batch all the same")
        equal(list((given.state / "stage").iterdir()), [], "no file is left over")
        audit = [row for row in given.waiting("audit_log") if row["kind"] == "lake"]
        holds(any("append to main.sales.orders in the lakehouse as k1" in row["statement"] for row in audit), "the audit")


def a_plan_appends_nothing(version):
    with Given(version) as given:
        given.sql(TABLE)
        planned = append(given, plan=True)
        contains(json.dumps(planned), "append to main.sales.orders in the lakehouse as k1")
        holds(not (given.state / "lake").exists(), "nothing is there")


def what_cannot_be_is_refused(version):
    with Given(version) as given:
        given.sql(TABLE)
        gone = given.run("lake_door", action="batch", check=1)["error"]
        equal(gone["code"], "not_found", gone["message"])
        equal(given.run("lake_door", action="look", check=1)["error"]["code"], "not_found", "nor its shape")
        contains(append(given, check=1, name="../x")["error"]["message"], "is no table of the lakehouse")
        contains(append(given, check=1, key="a b")["error"]["message"], "is no key of a batch")
        contains(append(given, check=1, atomic=True)["error"]["message"], "takes part in no transaction")
        append(given)
        wrong = given.run("lake_door", check=1, key="k3", types=["text"])["error"]
        equal(wrong["code"], "conflict", wrong["message"])
        contains(wrong["message"], "the column id of orders is bigint in the lakehouse, and the rows have string")
        given.sql('CREATE TABLE odd (id int, "a b" int)')
        contains(given.run("lake_door", check=1, source="odd", key="odd", name="odd", columns=["a b"], types=["integer"])["error"]["message"],
                 "Delta takes no column of the name 'a b'")
        given.sql("INSERT INTO orders (id, tz) VALUES (9, 'infinity')")
        contains(append(given, check=1, key="k4")["error"]["message"], "has infinity in tz")
        given.sql("DELETE FROM orders WHERE id = 9; INSERT INTO orders (id, num) VALUES (9, 'NaN')")
        append(given, check=1, key="k4")
        asked = given.run("lake_door", action="batch", key="k4")["result"]
        equal(asked.get("batches", []), [], "nothing of a batch that failed")


def write_view(given, name, text):
    """As the service writes it."""
    folder = given.state / "lake" / "main" / "sales" / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "view.sql").write_text(text)


def views_have_shapes_and_take_no_rows(version):
    with Given(version) as given:
        given.sql(TABLE)
        append(given)
        text = ("SELECT unix_micros(ts) AS at, unix_date(d) AS day, conv('ff', 16, 10) AS n, array_join([t, 'x'], ',') AS l "
                "FROM main.sales.orders ORDER BY id LIMIT 1")
        write_view(given, "vw", text)
        asked = json.loads(given.cli("--json", "sql", "--lake", "SELECT * FROM main.sales.vw", check=0).stdout)["rows"][0]
        equal(asked[:3], [1709208000000001, 19782, "255"], "the portable functions")
        looked = given.run("lake_door", action="look", name="vw")["result"]
        equal([(c["name"], c["type"]) for c in looked["columns"]],
              [("at", "bigint"), ("day", "bigint"), ("n", "string"), ("l", "string")], "the view's shape")
        refused = append(given, check=1, name="vw")["error"]
        equal((refused["code"], refused["message"], refused["hint"]),
              ("conflict", "lake/append: main.sales.vw is a view", "append to a table of another name"), "rows that it would hide")
        holds(not (given.state / "lake/main/sales/vw/_delta_log").exists(), "no table is made under it")
        given.write(more=f'[services.delta]\nplugin = "delta_local"\ncatalogs = ["shop={given.url()}"]\n')
        refused = append(given, check=1, catalog="shop")["error"]
        equal((refused["code"], refused["message"], refused["hint"]),
              ("invalid", "lake/append: the catalog shop is a database", "append to a table of another catalog"), "nor would a database show them")


def a_name_does_not_become_both(version):
    """Somebody makes a view of the name while the rows for a table of it are written."""
    with Given(version) as given, concurrent.futures.ThreadPoolExecutor(1) as pool:
        given.sql(TABLE)
        folder = given.state / "lake" / "main" / "sales" / "vw"
        folder.mkdir(parents=True)
        held = os.open(folder, os.O_RDONLY)
        fcntl.flock(held, fcntl.LOCK_EX)
        waiting = pool.submit(append, given, check=1, name="vw")
        while not list(folder.glob("*.parquet")) and not waiting.done():
            time.sleep(0.02)
        write_view(given, "vw", "SELECT 1 AS one")
        holds(not waiting.done(), "it waits for whoever holds the name")
        os.close(held)
        equal(waiting.result()["error"]["code"], "conflict", "rows that it would hide")
        equal(sorted(path.name for path in folder.rglob("*") if path.is_file()), ["view.sql"], "nothing of them is left")


def two_at_once_lose_nothing(version):
    with Given(version) as given:
        given.sql(TABLE)
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            done = list(pool.map(lambda key: append(given, key=key)["result"]["receipt"], ["a", "b", "a", "c"]))
        equal(sum(not receipt["repeated"] for receipt in done), 3, f"each key once: {done}")
        for key in "abc":
            equal(given.run("lake_door", action="batch", key=key)["result"]["batches"][0]["rows"], 3, key)


suite(*each_version(rows_are_appended_once, a_plan_appends_nothing, what_cannot_be_is_refused,
                    views_have_shapes_and_take_no_rows, two_at_once_lose_nothing),
      *each_version(a_name_does_not_become_both)[-1:])
