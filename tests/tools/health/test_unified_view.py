"""create_unified_access_view: hot and cold rows as one, the same rows before, in the middle of and after an archival."""

import json

from cold_place import COLD, DELTA, ORDERS, Unified, only
from health_place import on_each
from place import equal, holds, suite


def the_same_rows_throughout(version):
    with Unified(version) as place:
        place.sql(ORDERS)
        before = place.rows("shop.public.orders")
        cold = int(place.sql(COLD))
        equal(len(before), 1000, "read from the server as it is")
        equal(before[0][4:7], ['["a", null, "b,c"]', '{"k": [1, null]}', "\\x00\\xFF"], "its types")
        place.archive(check=3, tables=["orders"])
        made = place.view()
        equal((made["table"], made["view_name"], made["hot_source"], made["status"], made["columns"]),
              ("public.orders", place.name(), "shop.public.orders", "created", 8), "told")
        equal(place.rows(place.name()), before, "copied, and not deleted")
        with place.session() as other:
            other.stdin.write("BEGIN; SELECT id FROM orders WHERE id = 150 FOR UPDATE;\n\\echo held\n")
            while other.stdout.readline() != "held\n":
                pass
            place.approve(only(place)["id"])
            equal(place.sql("SELECT count(*) FROM orders WHERE id BETWEEN 101 AND 200"), "100", "a batch is held")
            equal(place.sql(COLD), "100", "the others have gone")
            equal(place.rows(place.name()), before, "in the middle of it")
            other.stdin.close()
            other.wait()
        place.archive(check=3, tables=["orders"])
        place.approve(only(place)["id"])
        equal((place.sql(COLD), place.sql("SELECT count(*) FROM orders")), ("0", str(1000 - cold)), "all of it has left")
        equal(place.rows(place.name()), before, "after it")
        equal(place.view()["status"], "unchanged", "nothing to do")
        place.sql("UPDATE orders SET v = 7 WHERE id = 1000; DELETE FROM orders WHERE id = 999")
        equal([row[7] for row in place.rows(place.name())[-2:]], [0, 7], "what people do is seen at once")


def read_while_rows_leave(version):
    """Each look at it is of one moment of the server; the archive is looked at after that."""
    with Unified(version, kind="throwaway") as place:
        place.sql(ORDERS)
        before = place.rows("shop.public.orders", "id, v")
        place.archive(tables=["orders"], max_rows=20, batch_rows=20)
        equal(place.view()["status"], "created", "made")
        looks = 0
        with place.start("run", "archive_cold_data_to_delta", "--branch", place.branch, "--tables", '["orders"]', "--min_rows",
                         "1", "--batch_rows", "10", "--pause_ms", "20") as run:
            while run.poll() is None:
                equal(place.rows(place.name(), "id, v"), before, f"look {looks}")
                looks += 1
        equal((run.returncode, place.sql(COLD)), (0, "0"), "it came to its end")
        equal(place.rows(place.name(), "id, v"), before, "in the end")
        holds(looks > 0, "somebody looked")


def columns_come_and_go(version):
    with Unified(version, kind="throwaway") as place:
        place.sql(ORDERS)
        place.archive(tables=["orders"])
        place.sql("ALTER TABLE orders ADD COLUMN \"Later On\" numeric(8,3) DEFAULT 1.5, DROP COLUMN note, "
                  "ALTER COLUMN v TYPE bigint")
        equal(place.view(table="public.orders")["status"], "created", "made")
        rows = place.rows(place.name(), 'id, "Later On", note, v')
        equal((rows[0], rows[-1]), ([1, None, "it's \"1", 0], [1000, 1.5, None, 0]), "what one side lacks is null there")
        equal(len(rows), 1000, "all of them")
        place.sql("UPDATE orders SET v = 3000000000 WHERE id = 1000; "
                  "ALTER TABLE orders ALTER COLUMN amount TYPE numeric(20,4); UPDATE orders SET amount = 123456789012345.6789 WHERE id = 999")
        place.view()
        rows = place.rows(place.name(), "id, v, amount")
        equal((rows[0][1], rows[-1][1], len(rows)), (0, 3000000000, 1000), "more than the archive's type holds")
        equal(str(place.rows(place.name(), "id, CAST(amount AS varchar) AS amount")[-2][1]), "123456789012345.6789", "and of a decimal")
        place.sql("ALTER TABLE orders DROP COLUMN \"Later On\"")
        equal(place.view()["status"], "created", "the table has changed, and the view with it")


def tables_of_one_name_have_views_of_their_own(version):
    with Unified(version, kind="throwaway") as place:
        place.sql(ORDERS)
        place.sql("CREATE SCHEMA eu; CREATE TABLE eu.orders (LIKE orders INCLUDING ALL);"
                  "INSERT INTO eu.orders SELECT * FROM orders WHERE id % 2 = 0; ANALYZE eu.orders")
        place.archive(tables=["public.orders", "eu.orders"])
        done = place.run("create_unified_access_view")["result"]
        equal(sorted((v["table"], v["view_name"], v["status"]) for v in done["views"]),
              [("eu.orders", place.name(schema="eu"), "created"), ("public.orders", place.name(), "created")], "two views")
        holds("a moment behind" in done["note"], "what a warehouse does otherwise")
        equal([len(place.rows(place.name())), len(place.rows(place.name(schema="eu")))], [1000, 500], "each its own rows")
        catalog, schema, name = place.name(schema="eu").split(".")
        answer = place.cli("--json", "sql", "--lake", f'SELECT count(*) FROM {place.name()} a, {catalog}.{schema}."{name}" b', check=0)
        equal(json.loads(answer.stdout)["rows"], [[500000]], "both at once, and one in quotes where it takes them")
        place.sql("UPDATE lbops_archive.batches SET lake_schema = 'eu', lake_table = 'a' WHERE source_schema = 'eu';"
                  "UPDATE lbops_archive.batches SET lake_table = 'A' WHERE source_schema = 'public'")
        done = place.run("create_unified_access_view", plan=True, view_schema="views")["result"]
        equal([s["object"] for s in done["skipped"] if "of another table" in s["reason"]], ["public.orders"], "one name for two")


def wrong_input(version):
    with Unified(version, kind="throwaway") as place:
        why = lambda **given: place.run("create_unified_access_view", **given)["result"]["skipped"][0]["reason"]
        holds("nothing of this database" in why(), "no ledger")
        place.sql(ORDERS)
        place.archive(tables=["orders"])
        place.sql("CREATE TABLE others (id int)")
        holds("nothing of it" in why(table="others"), "another table")
        missing = place.run("create_unified_access_view", check=1, table="oders")["error"]
        equal((missing["code"], missing["message"]), ("not_found", "there is no table oders"), "a misspelt one")
        holds("the lakehouse knows no" in why(hot_catalog="nowhere"), "no such catalog")
        taken = place.run("create_unified_access_view", check=1, view_name=f"shop_{place.database}_public_orders")
        equal(taken["error"]["code"], "conflict", "a table has the name")
        planned = place.run("create_unified_access_view", plan=True)["result"]["views"][0]["status"]
        equal((planned, place.cli("sql", "--lake", f"SELECT * FROM {place.name()}").returncode), ("planned", 1), "a plan does nothing")
        place.sql("CREATE SCHEMA other; CREATE TABLE other.orders AS SELECT * FROM orders")
        equal(place.view()["status"], "created", "made")
        for text in ("DELETE FROM shop.public.orders", "SELECT * FROM read_csv('/etc/passwd')", "SELECT * FROM shop.public.nothing"):
            equal(place.cli("sql", "--lake", text).returncode, 1, text)
        place.write(DELTA + 'catalogs = ["shop"]\n')
        holds("no name with a connection" in place.cli("sql", "--lake", f"SELECT * FROM {place.name()}").stderr, "what is none")


suite(*on_each(the_same_rows_throughout, read_while_rows_leave, columns_come_and_go, tables_of_one_name_have_views_of_their_own, wrong_input))
