"""What earlier runs have noted: days without a scan beyond the server's own count, and recommendations on their way."""

from place import Given, contains, each_version, equal, holds, suite
from planted import answer, metric, midnight, plant

HISTORY = '[services.delta]\nplugin = "delta_local"\nflush_interval_s = 3600\n'
NOW = {"days": 0, "min_minutes": 0, "min_reads": 0, "min_bytes": 0}
TABLES = """
CREATE TABLE customers (id int PRIMARY KEY);
CREATE TABLE orders (id int, customer_id int REFERENCES customers, note text);
INSERT INTO customers SELECT generate_series(1, 100);
INSERT INTO orders SELECT i, 1 + i % 100, 'note ' || i FROM generate_series(1, 12000) i;
CREATE TABLE notes (note text);
INSERT INTO notes SELECT 'note ' || i FROM generate_series(1, 12000) i;
CREATE INDEX idle ON notes (note);
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
        equal(set(second), {"public.idle"}, "unused in all of them")
        holds(second["public.idle"]["days_from_history"] > 0, f"earlier epochs count: {second['public.idle']}")
        contains(str(found["skipped"]), "used before, and no month has passed since: rarely used is not unused")
        place.sql("UPDATE orders SET id = -id; UPDATE orders SET id = -id")
        rare = next(f for f in place.findings("detect_unused_indexes", **NOW, rare_scans=1e12) if f["object"] == "public.busy")
        equal((rare["kind"], rare["fix"], rare["confidence"]["label"]), ("rare_index", None, "low"), "written much, used before")
        holds(rare["evidence"]["last_used"] and rare["evidence"]["table_writes"] == 24000, f"how rarely: {rare}")
        equal((rare["evidence"]["scans"], rare["evidence"]["earlier_counts_with_scans"]), (0, 2), "and in how many epochs")
        contains(rare["reason"], "last seen in use at 20", " UTC, and not in ")
        rows = place.history("SELECT metric_name, object_name, metric_value FROM lakebase_metrics ORDER BY snapshot_timestamp")
        text = str(rows)
        contains(text, "index_observation", "public.idle", "public.busy")
        equal(text.count("public.idle"), 1, "rows of an index of which nothing is new")


def what_an_earlier_look_did_not_see_is_new(version):
    """However long the server has counted: an index that was made an hour ago has not been idle for longer."""
    with Given(version, more=HISTORY) as place:
        place.sql(TABLES)
        first = place.findings("detect_unused_indexes", **NOW)
        equal({f["confidence"]["label"] for f in first}, {"low"}, "what nobody has seen before")
        for finding in first:
            contains(finding["reason"], "it may be new: no earlier run has seen it")
            contains(finding["confidence"]["terms"], {"name": "it_may_be_new", "points": -0.6})
        begun = midnight(-4)
        plant(place, "lakebase_metrics",
              [metric("index_observation", midnight(-2), begun.timestamp()),
               *(metric("index_scans", begun, 0, of=name) for name in ("public.idle", "public.busy"))])
        place.sql("CREATE INDEX young ON orders (note, id)")
        seen = {f["object"]: f for f in place.findings("detect_unused_indexes", **NOW)}
        young, idle = seen["public.young"]["evidence"], seen["public.idle"]["evidence"]
        holds(0 <= young["days"] < 1 < 2 <= idle["days"] < 3, f"days that each was there: {seen}")
        holds(young["days_seen"] == 0 and idle["days_seen"] >= 4, f"days since somebody saw them: {seen}")
        holds("may be new" in seen["public.young"]["reason"] and "may be new" not in seen["public.idle"]["reason"], seen)
        found = place.run("detect_unused_indexes", **{**NOW, "days": 1})["result"]
        equal({f["object"] for f in found["findings"]}, {"public.idle", "public.busy"}, "unused for longer than that")
        contains(str(found["skipped"]), "too few days are counted for them")
        for finding in found["findings"]:
            contains(finding["confidence"]["terms"], {"name": "it_may_be_new", "points": 0})


def small_ones_are_as_old_as_large_ones(version):
    """Looks that leave small indexes out say nothing of when these were made."""
    with Given(version, more=HISTORY) as place:
        place.sql(TABLES)
        place.run("detect_unused_indexes", **{**NOW, "min_bytes": 1 << 40})
        window = ("SELECT extract(epoch FROM now() - greatest(pg_postmaster_start_time(), (SELECT stats_reset FROM"
                  " pg_stat_database WHERE datname = current_database()))) / 86400")
        before = float(place.sql(window))
        seen = {f["object"]: f["evidence"] for f in place.findings("detect_unused_indexes", **NOW)}
        holds(before <= seen["public.idle"]["days"] <= float(place.sql(window)), f"{before} days and {seen['public.idle']}")
        place.sql("SELECT pg_stat_reset()")
        place.sql(USE)
        place.run("detect_unused_indexes", **{**NOW, "min_bytes": 1 << 40})  # it was noted before, so its use is, too
        place.sql("SELECT pg_stat_reset()")
        equal({f["object"] for f in place.findings("detect_unused_indexes", **NOW)}, {"public.idle"}, "what was used is not unused")


def without_history_the_server_is_believed(version):
    with Given(version) as place:
        place.sql(TABLES)
        seen = place.run("detect_unused_indexes", **NOW)["result"]
        holds(any(s["object"] == "history" for s in seen["skipped"]), f"a word on the history: {seen['skipped']}")
        equal(place.waiting("lakebase_metrics"), [], "rows that nobody would read")


def writes_are_those_of_the_last_days(version):
    """A counter since the last restart would make a rate of an old load, or of an hour."""
    with Given(version, more=HISTORY) as place:
        place.sql(TABLES)
        first = next(f for f in place.findings("detect_unused_indexes", **NOW) if f["object"] == "public.idle")
        equal(first["evidence"]["writes_counted_by"], "server", "without a day of history")
        noted = "SELECT object_name, metric_value FROM lakebase_metrics WHERE metric_name = 'table_index_writes'"
        equal({r["object_name"]: r["metric_value"] for r in answer(place, noted)},
              {"public.customers": 100, "public.notes": 12000, "public.orders": 12000}, "counters that a look has noted")
        place.run("detect_unused_indexes", **NOW)
        equal(len(answer(place, noted)), 3, "rows of counters that stand still")
        plant(place, "lakebase_metrics", [
            {"snapshot_timestamp": midnight(days), "metric_name": "table_index_writes", "metric_value": value,
             "object_name": "public.notes"} for days, value in ((-40, 1), (-4, 5000000), (-2, 5400000))])
        seen = next(f for f in place.findings("detect_unused_indexes", **NOW) if f["object"] == "public.idle")
        evidence, rate = seen["evidence"], seen["impact"]["index_writes_per_day"]
        equal(evidence["writes_counted_by"], "history", f"who has counted: {seen}")
        holds(4 <= evidence["writes_window_days"] <= 5.01, f"of the last two weeks: {evidence}")
        equal(round(rate * evidence["writes_window_days"]), 412000, "what was written in these days, with a restart among them")


def recommendations_are_followed_to_their_end(version):
    limits = {"days": 0, "min_minutes": 0, "min_reads": 0, "min_unused_bytes": 0, "min_table_bytes": 0, "min_confidence": 0.4,
              "keep_days": 0, "watch_hours": 0}
    with Given(version, more=HISTORY) as place:
        place.sql(TABLES)
        place.run("detect_unused_indexes", **NOW)  # what has been seen for a while is no news
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
        place.sql("CREATE INDEX idle ON notes (note)")
        ended = place.run("generate_index_recommendation", **limits)["result"]["followed"]
        equal({(f["recommendation_id"], f["status"]) for f in ended},
              {(ids["create_fk_index public.orders"], "kept"), (ids["drop_unused public.idle"], "reverted")}, "how they end")
        calm = place.run("generate_index_recommendation", **limits)["result"]
        equal(calm.get("followed", []), [], "what has ended stays as it is")


suite(*each_version(epochs_add_up, what_an_earlier_look_did_not_see_is_new, small_ones_are_as_old_as_large_ones, without_history_the_server_is_believed,
                    writes_are_those_of_the_last_days, recommendations_are_followed_to_their_end), at_once=2)
