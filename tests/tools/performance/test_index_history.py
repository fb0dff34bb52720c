"""What earlier runs have noted: days without a scan beyond the server's own count, and recommendations on their way."""

from place import Given, contains, each_version, equal, holds, suite

HISTORY = '[services.delta]\nplugin = "delta_local"\nflush_interval_s = 3600\n'
NOW = {"days": 0, "min_minutes": 0, "min_reads": 0, "min_bytes": 0}
TABLES = """
CREATE TABLE customers (id int PRIMARY KEY);
CREATE TABLE orders (id int, customer_id int REFERENCES customers, note text);
INSERT INTO customers SELECT generate_series(1, 100);
INSERT INTO orders SELECT i, 1 + i % 100, 'note ' || i FROM generate_series(1, 12000) i;
CREATE INDEX idle ON orders (note);
CREATE INDEX busy ON orders (id);
ANALYZE;
"""
USE = "SET enable_seqscan = off; SELECT count(note) FROM orders WHERE id = 5; RESET enable_seqscan;"


def epochs_add_up(version):
    """A reset of the statistics is the end of an epoch, as a night's sleep is."""
    with Given(version, more=HISTORY) as place:
        place.sql(TABLES + USE)
        first = {f["object"]: f["evidence"] for f in place.findings("detect_unused_indexes", **NOW)}
        equal(set(first), {"public.idle"}, "unused in the first epoch")
        equal(first["public.idle"]["days_from_history"], 0, "days of earlier epochs")
        place.sql("SELECT pg_stat_reset()")
        place.sql(USE)
        place.run("detect_unused_indexes", **NOW)
        place.sql("SELECT pg_stat_reset()")
        found = place.run("detect_unused_indexes", **NOW)["result"]
        second = {f["object"]: f["evidence"] for f in found["findings"]}
        equal(set(second), {"public.idle", "public.busy"}, "unused in the last epoch")
        holds(second["public.idle"]["days_from_history"] > 0, f"earlier epochs count: {second['public.idle']}")
        equal(second["public.busy"]["days_from_history"], 0, "days of earlier epochs, in which it was used")
        rows = place.history("SELECT metric_name, object_name, metric_value FROM lakebase_metrics ORDER BY snapshot_timestamp")
        text = str(rows)
        contains(text, "index_observation", "public.idle", "public.busy")
        equal(text.count("public.idle"), 1, "rows of an index of which nothing is new")


def without_history_the_server_is_believed(version):
    with Given(version) as place:
        place.sql(TABLES)
        seen = place.run("detect_unused_indexes", **NOW)["result"]
        holds(any(s["object"] == "history" for s in seen["skipped"]), f"a word on the history: {seen['skipped']}")
        equal(place.waiting("lakebase_metrics"), [], "rows that nobody would read")


def recommendations_are_followed_to_their_end(version):
    limits = {"days": 0, "min_minutes": 0, "min_reads": 0, "min_unused_bytes": 0, "min_table_bytes": 0, "min_confidence": 0.4,
              "keep_days": 0}
    with Given(version, more=HISTORY) as place:
        place.sql(TABLES)
        first = place.run("generate_index_recommendation", **limits)["result"]
        ids = {r["type"] + " " + r["object"]: r["recommendation_id"] for r in first["recommendations"]}
        equal(first["stored"], 3, f"stored: {ids}")
        again = place.run("generate_index_recommendation", **limits)["result"]
        equal((again["stored"], again["unchanged"], again.get("followed", [])), (0, 3, []), "a second time")

        place.psql("-c", next(r["ddl"] for r in first["recommendations"] if r["type"] == "create_fk_index"))
        place.psql("-c", "DROP INDEX CONCURRENTLY idle")
        place.sql(USE)
        done = place.run("generate_index_recommendation", **limits)["result"]["followed"]
        equal({(f["recommendation_id"], f["status"]) for f in done},
              {(ids["create_fk_index public.orders"], "executed"), (ids["drop_unused public.idle"], "executed"),
               (ids["drop_unused public.busy"], "obsolete")}, "what has happened")

        place.sql("DELETE FROM orders WHERE customer_id = 7; SET enable_seqscan = off; DELETE FROM customers WHERE id = 7;")
        place.sql("CREATE INDEX idle ON orders (note)")
        ended = place.run("generate_index_recommendation", **limits)["result"]["followed"]
        equal({(f["recommendation_id"], f["status"]) for f in ended},
              {(ids["create_fk_index public.orders"], "kept"), (ids["drop_unused public.idle"], "reverted")}, "how they end")
        calm = place.run("generate_index_recommendation", **limits)["result"]
        equal(calm.get("followed", []), [], "what has ended stays as it is")


suite(*each_version(epochs_add_up, without_history_the_server_is_believed, recommendations_are_followed_to_their_end), at_once=2)
