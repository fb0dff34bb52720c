"""What earlier runs have noted: days without a scan beyond the server's own count, and recommendations on their way."""

from place import Given, contains, each_version, equal, holds, suite

from databases import Branch
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
        contains(str(found["skipped"]), "too few days are counted for it")
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


def what_ran_last_month_holds_its_index(version):
    """A report that the server has forgotten, but history has not: within five weeks, in this database, of those that are planned
    with the index."""
    unseen = "SET enable_indexscan = off; SET enable_bitmapscan = off; SET enable_indexonlyscan = off;"
    forget = "SELECT pg_stat_statements_reset(0, (SELECT oid FROM pg_database WHERE datname = current_database()), 0)"
    with Given(version, more=HISTORY) as place:
        place.sql("""CREATE EXTENSION pg_stat_statements; CREATE EXTENSION hypopg;
            CREATE TABLE sales (id int, month text, shop text, clerk text);
            INSERT INTO sales SELECT i, 'month ' || i, 'shop ' || i, 'clerk ' || i FROM generate_series(1, 12000) i;
            CREATE INDEX sales_month ON sales (month); CREATE INDEX sales_shop ON sales (shop); CREATE INDEX sales_clerk ON sales (clerk);
            ANALYZE;""" + unseen + "SELECT sum(id) FROM sales WHERE month = 'month 5'")
        if place.sql("SELECT count(*) FROM pg_proc WHERE proname = 'hypopg_hide_index'") == "0":
            return

        def tried():
            found = place.findings("detect_unused_indexes", **NOW)
            return {f["object"].removeprefix("public."): (f["evidence"], f["reason"], f["confidence"]["terms"]) for f in found}
        counted = tried()["sales_month"][0]
        equal((counted["statements_worse"], counted["worst_statement_last_seen"]), (1, None), "while the server counts it")
        place.run("persist_pg_stat_statements")
        place.sql(forget)
        row, = answer(place, "SELECT t.* FROM query_texts t JOIN pg_stat_history h ON h.queryid = t.queryid AND h.dbid = t.dbid"
                      f" WHERE t.database_name = '{place.database}' AND t.query LIKE '%month = $1'")
        text = {**{k: v for k, v in row.items() if k not in ("project_id", "branch_id", "run_id")}, "query_bytes": 60}
        seen = {"granularity": "snapshot", "system_identifier": 1, "postmaster_start": midnight(-60), "userid": 10, "toplevel": True,
                "dbid": row["dbid"], "database_name": place.database, "calls": 9, "total_exec_time": 9.0, "calls_delta": 1,
                "total_exec_time_delta": 1.0}
        for queryid, column, days, more in ((11, "shop", -30, {}), (12, "clerk", -37, {}),
                                            (13, "clerk", -1, {"statement_kind": "ours"}), (14, "clerk", -1, {"truncated": True}),
                                            (15, "clerk", -1, {"database_name": "elsewhere"}),
                                            (16, "clerk", -1, {"query": "SELECT * FROM gone WHERE clerk = $1"}),
                                            (17, "clerk", -1, {"query": "SELECT id FROM sales"})):
            plant(place, "query_texts", [{**text, "queryid": queryid, "query": f"SELECT * FROM sales WHERE {column} = $1", **more}])
            plant(place, "pg_stat_history", [{**seen, "queryid": queryid, "snapshot_timestamp": midnight(days),
                                              **{k: v for k, v in more.items() if k == "database_name"}}])
        found = tried()
        for name, statement, when in (("sales_month", str(row["queryid"]), None), ("sales_shop", "11", midnight(-30))):
            evidence, reason, terms = found[name]
            contains(reason, "but hidden from the planner, it makes 1 of ", f" statements that ran worse: {statement}, which history saw last at 20",
                     " UTC, would cost", " more could not be explained")
            equal(evidence["worst_statement"], statement, f"who needs {name}")
            contains(evidence["worst_statement_text"], f"WHERE {name.removeprefix('sales_')} = $1")
            holds(not when or evidence["worst_statement_last_seen"].startswith(when.strftime("%Y-%m-%d")), f"and when it ran: {evidence}")
            contains(terms, {"name": "plans_without_it", "points": -0.55})
        contains(found["sales_clerk"][0]["without_it"], " statements that ran none is planned with it; ", " more could not be explained")
        place.sql("DROP EXTENSION pg_stat_statements")
        equal(tried()["sales_shop"][0]["worst_statement"], "11", "where nothing is counted at all")


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
        equal(evidence["writes_counted_by"], "history, at least", f"who has counted, with a restart among it: {seen}")
        holds(4 <= evidence["writes_window_days"] <= 5.01, f"of the last two weeks: {evidence}")
        equal(round(rate * evidence["writes_window_days"]), 412000, "what was written in these days, with a restart among them")


def what_was_hardly_written_is_less_sure(version):
    """Nobody works on a table that is only read; and what a server has forgotten, earlier looks have noted."""
    with Given(version, more=HISTORY) as place:
        place.sql(TABLES)

        def seen(**limits):
            told = {}
            for f in place.findings("detect_unused_indexes", **NOW, **limits):
                points = {t["name"]: t["points"] for t in f["confidence"]["terms"]}
                told[f["object"]] = (points["table_was_busy"], "hardly anything was written to it" in f["reason"])
            return told
        equal(seen(), {"public.idle": (0.1, False), "public.busy": (0.1, False)}, "tables that were filled just now")
        equal(seen(min_written=100000), {"public.idle": (-0.2, True), "public.busy": (-0.2, True)}, "by what the server has counted")
        plant(place, "lakebase_metrics", [metric("table_index_writes", midnight(-days), value, "public.notes")
                                          for days, value in ((4, 1), (2, 5000000))])
        equal(seen(min_written=100000), {"public.idle": (0.1, False), "public.busy": (-0.2, True)}, "by what a look has noted as well")


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


def each_database_has_its_own_looks(version):
    """Of the same tables in two databases of a branch: what was seen in one proves nothing of the other."""
    with Branch(version, HISTORY) as branch, Given(version) as shop, Given(version) as books:
        for database in (shop, books):
            database.sql(TABLES)
        begun, own = midnight(-4), {"database_name": shop.database}
        plant(branch, "lakebase_metrics",
              [metric("index_observation", midnight(-2), begun.timestamp(), **own),
               *(metric("index_scans", begun, 0, of=name, **own) for name in ("public.idle", "public.busy"))])
        seen = {d.database: {f["object"]: f["evidence"]["days_seen"] for f in branch.look_at(d).findings("detect_unused_indexes", **NOW)}
                for d in (shop, books)}
        equal(set(seen[shop.database]), {"public.idle", "public.busy"}, "unused")
        holds(all(days >= 4 for days in seen[shop.database].values()), f"since they were seen in it: {seen}")
        equal(seen[books.database], {"public.idle": 0, "public.busy": 0}, "where nobody has looked before")
        rows = answer(branch, "SELECT database_name, count(*) AS looks FROM lakebase_metrics WHERE metric_name = 'index_observation'"
                              " GROUP BY database_name")
        equal({row["database_name"]: int(row["looks"]) for row in rows}, {shop.database: 2, books.database: 1}, "whose looks they are")


suite(*each_version(epochs_add_up, each_database_has_its_own_looks, what_an_earlier_look_did_not_see_is_new, small_ones_are_as_old_as_large_ones,
                    what_ran_last_month_holds_its_index, without_history_the_server_is_believed, writes_are_those_of_the_last_days, what_was_hardly_written_is_less_sure, recommendations_are_followed_to_their_end), at_once=2)
