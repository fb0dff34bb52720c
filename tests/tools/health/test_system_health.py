"""monitor_system_health: what the views say is what history gets, rates come from two readings, and what cannot be read
takes nothing else with it."""

import contextlib
import json
import re

from health_place import Clinic, on_each
from place import contains, equal, holds, suite

WARM = {"warm_up_min": 0, "min_block_accesses": 1}
BY_VERSION = {15: {"pg_stat_io"}, 17: set()}


def rows_of(place):
    """The newest row of each metric of the whole branch."""
    return {r["metric_name"]: r for r in place.waiting("lakebase_metrics") if r.get("object_name") is None}


def skipped(document):
    return {s["object"]: s["reason"] for s in document["result"]["skipped"]}


def views_are_read_and_rates_need_two_readings(version):
    with Clinic(version) as place:
        place.sql("CREATE EXTENSION pg_stat_statements; CREATE TABLE t (id int)")
        first = place.run("monitor_system_health", **WARM)
        missing = set(skipped(first)) - {"pg_stat_statements"}
        equal(missing, BY_VERSION[version], "views that this version lacks")
        equal((first["result"]["rates"], first["result"]["interval_seconds"]), (0, None), "rates of a first reading")
        rows = rows_of(place)
        for name, unit, kind in (("blocks_hit", "count", "counter"), ("txid_age", "xids", "gauge"),
                                 ("wal_bytes", "bytes", "counter"), ("checkpoints_timed", "count", "counter"),
                                 ("connection_utilization", "ratio", "gauge"), ("locks_held", "count", "gauge")):
            equal((rows[name]["unit"], rows[name]["kind"]), (unit, kind), name)
        equal(rows["txid_age"]["threshold_level"], "normal", "level")
        age = int(place.at_server("SELECT max(greatest(age(datfrozenxid), mxid_age(datminmxid))) FROM pg_database"))
        holds(0 <= age - rows["txid_age"]["metric_value"] < 1000, f"txid_age {rows['txid_age']} against {age}")
        holds("cache_hit_ratio" not in rows, "no ratio of a lifetime")
        before = rows["blocks_hit"]["metric_value"]
        place.sql("INSERT INTO t SELECT generate_series(1, 30000); SELECT sum(id) FROM t")
        place.sql("SELECT pg_stat_force_next_flush()")
        second = place.run("monitor_system_health", **WARM)
        rows = rows_of(place)
        holds(second["result"]["rates"] > 10 and second["result"]["interval_seconds"] > 0, str(second["result"]))
        moved = rows["blocks_hit"]["metric_value"] - before
        rate = rows["blocks_hit_per_second"]
        equal(round(rate["metric_value"] * rate["interval_seconds"], 3), round(moved, 3), "rate times interval")
        holds(moved > 100, f"{moved} blocks")
        ratio = rows["cache_hit_ratio"]
        detail = json.loads(ratio["detail"])
        equal(ratio["metric_value"], detail["blocks_hit"] / (detail["blocks_hit"] + detail["blocks_read"]),
              "the ratio is that of the deltas")


def what_cannot_be_read_is_no_lag_of_nothing(version):
    with Clinic(version) as place:
        role = place.role("watcher")
        place.at_server(f'GRANT pg_monitor TO "{role}"')
        place.be(role)

        def figures():
            result = place.run("monitor_system_health", **WARM)["result"]
            return ({m["metric"]: m["value"] for m in result["metrics"]}.get("replication_lag"),
                    {u["metric"]: u["reason"] for u in result.get("unknown", [])}.get("replication_lag"))
        equal(figures(), (0, None), "nothing replicates here")
        place.sql("REVOKE EXECUTE ON FUNCTION pg_stat_get_wal_senders() FROM PUBLIC")
        equal(figures(), (None, "its view could not be read"), "nobody knows")
        more = {"fire_after": 1, "clear_after": 1}
        told = place.run("evaluate_alert_thresholds", metrics={"replication_lag": 90}, **more)["result"]
        equal(told["opened"], 1, "an alert")
        equal(place.run("evaluate_alert_thresholds", **more)["result"]["resolved"], 0, "which does not end by that")


def what_the_file_cache_has_is_no_miss(version):
    """The platform's extension, as far as it matters: its view, which counts for the whole compute."""
    with Clinic(version) as place:
        place.sql("CREATE SCHEMA neon; CREATE TABLE neon.counts AS SELECT 5::bigint AS file_cache_hits, 7::bigint AS file_cache_misses;"
                  " CREATE VIEW neon.neon_stat_file_cache AS SELECT * FROM neon.counts;"
                  " INSERT INTO pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion)"
                  " SELECT 99999, 'neon', 10, 'neon'::regnamespace, false, '1.9'")
        place.run("monitor_system_health", **WARM)
        made = []

        def cold_reads(misses):
            """Somebody reads what no shared buffer has yet. What was counted goes with its database, so it stays until the end."""
            read = "SELECT sum(blks_read) FROM pg_stat_database"
            before, fresh = int(place.at_server(read)), f"{place.database}_cold{len(made)}"
            place.at_server(f"CREATE DATABASE {fresh} STRATEGY file_copy")
            made.append(fresh)
            place.sql("SELECT count(relname) FROM pg_class; SELECT count(attname) FROM pg_attribute; SELECT pg_stat_force_next_flush()",
                      branch=fresh)
            place.sql(f"UPDATE neon.counts SET file_cache_misses = file_cache_misses + {misses}")
            place.wait(lambda: int(place.at_server(read)) > before)
            place.run("monitor_system_health", **WARM)
            row = rows_of(place)["cache_hit_ratio"]
            return row["metric_value"], json.loads(row["detail"])

        ratio, detail = cold_reads(0)
        equal((ratio, detail["blocks_read"]), (1, 0), "all of it was in the file cache")
        holds(detail["of_file_cache"] > 0, str(detail))
        ratio, detail = cold_reads(10**9)
        holds(ratio < 1 and detail["blocks_read"] > 0 and detail["of_file_cache"] == 0, f"none of it was: {detail}")
        for fresh in made:
            place.at_server(f"DROP DATABASE {fresh} WITH (FORCE)")


def indexes_are_counted(version):
    """Two of them, of which one was never finished, and what the other one has given."""
    with Clinic(version) as place:
        place.sql("CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t SELECT i, 1 FROM generate_series(1, 1000) AS i")
        place.psql("-c", "CREATE UNIQUE INDEX CONCURRENTLY twice ON t (n)", check=False)
        place.run("monitor_system_health")
        rows = {name: row["metric_value"] for name, row in rows_of(place).items()}
        equal((rows["indexes"], rows["indexes_invalid"]), (2, 1), "indexes")
        place.sql("SET enable_seqscan = off; SELECT n FROM t WHERE id = 7; SELECT pg_stat_force_next_flush()")
        place.run("monitor_system_health", views=["pg_stat_user_indexes"])
        read = rows_of(place)["index_tuples_read"]
        equal(read["metric_value"], float(place.sql("SELECT sum(idx_tup_read) FROM pg_stat_user_indexes")), "what was read")
        holds(read["metric_value"] > (rows["index_tuples_read"] or 0) and read["kind"] == "counter", f"it rises: {read}")


def a_reset_gives_no_rate(version):
    with Clinic(version) as place:
        place.run("monitor_system_health", **WARM)
        place.sql("SELECT pg_stat_reset(); SELECT pg_stat_reset_shared('wal')")
        after = place.run("monitor_system_health", **WARM)
        unknown = {u["metric"]: u["reason"] for u in after["result"]["unknown"]}
        for metric in ("blocks_hit_per_second", "wal_bytes_per_second", "cache_hit_ratio", "deadlocks_per_hour"):
            holds("reset" in unknown.get(metric, ""), f"{metric}: {unknown}")
        negative = [r for r in place.waiting("lakebase_metrics") if r["metric_value"] < 0]
        equal(negative, [], "negative figures")
        again = place.run("monitor_system_health", **WARM)
        holds("blocks_hit_per_second" not in {u["metric"] for u in again["result"].get("unknown", [])}, "from there on again")


def views_are_read_at_a_pace_of_their_own(version):
    with Clinic(version) as place:
        place.run("monitor_system_health")
        seen = place.run("monitor_system_health", views=["pg_locks", "pg_stat_activity"])
        equal({m["metric"] for m in seen["result"]["metrics"]} - {"slow_query_time"},
              {"connection_utilization", "lock_wait_time"}, "figures of these two views")
        at = max(r["snapshot_timestamp"] for r in place.waiting("lakebase_metrics"))
        names = {r["metric_name"] for r in place.waiting("lakebase_metrics") if r["snapshot_timestamp"] == at}
        holds({"locks_held", "connections_total"} <= names and not names & {"blocks_hit", "wal_bytes"}, str(names))
        equal(seen["result"].get("unknown"), None, "what was not asked for is no unknown")
        whole = place.run("monitor_system_health")
        rates = {r["metric_name"]: r for r in place.waiting("lakebase_metrics") if r["kind"] == "rate"}
        apart = rates["wal_bytes_per_second"]["interval_seconds"]
        holds(apart > whole["result"]["interval_seconds"], f"its rate spans {apart} s, back to when it was read itself")
        wrong = place.run("monitor_system_health", check=1, views=["pg_locks", "pg_cat"])
        equal(wrong["error"]["code"], "invalid", "a view that is none")
        holds("pg_cat" in wrong["error"]["message"] and wrong["error"]["hint"].startswith("there are pg_"), str(wrong["error"]))
        plain, often = re.fullmatch("there are (.*); and pg_stat_ with one of (.*)", wrong["error"]["hint"]).groups()
        names = [*plain.split(", "), *("pg_stat_" + name for name in often.split(", "))]
        every = [name for name in names if name not in ("pg_stat_io", "pg_stat_statements")]  # not on each server
        equal(place.run("monitor_system_health", views=every)["result"]["skipped"], [], "each name that it gives is taken as it stands")
        holds({"pg_locks", "pg_stat_activity", "pg_stat_wal", "pg_stat_statements"} <= set(names), str(names))


def one_refused_view_leaves_the_others(version):
    with Clinic(version) as place:
        weak = place.role("weak")
        place.sql("REVOKE SELECT ON pg_stat_wal FROM public")
        place.be(weak)
        seen = place.run("monitor_system_health")
        holds("permission denied" in skipped(seen)["pg_stat_wal"], str(skipped(seen)))
        holds("extension" in skipped(seen)["pg_stat_statements"], str(skipped(seen)))
        names = set(rows_of(place))
        holds({"blocks_hit", "txid_age", "checkpoints_timed"} <= names and "wal_bytes" not in names, str(names))


VIEWS = ("pg_stat_database", "pg_stat_user_tables", "pg_statio_user_tables", "pg_stat_user_indexes", "pg_locks", "pg_database",
         "pg_stat_activity", "pg_stat_replication", "pg_stat_archiver", "pg_stat_bgwriter", "pg_stat_checkpointer", "pg_stat_io", "pg_stat_wal")
SINCE = {"pg_stat_checkpointer": 17, "pg_stat_io": 16}


def each_view_can_be_refused_and_the_others_are_read(version):
    """One after the other: what reads it is passed over with the reason, and everything else is read as before."""
    with Clinic(version) as place:
        weak = place.role("weak")
        things = [(v, f"SELECT ON {v}") for v in VIEWS if SINCE.get(v, 15) <= version]
        things.append(("pg_database_size", "EXECUTE ON FUNCTION pg_database_size(oid)"))
        for name, right in things:
            place.sql(f"REVOKE {right} FROM public")
            place.be(weak)
            seen = place.run("monitor_system_health")
            place.sql(f"GRANT {right} TO public")
            refused = {view for view, why in skipped(seen).items() if "permission denied" in why}
            holds(refused and all(name in skipped(seen)[view] or view.startswith(name) for view in refused),
                  f"without {name} it does not say so: {skipped(seen)}")
            holds(seen["result"]["examined"]["views"] >= len(things) - 4, f"without {name} it reads {seen['result']['examined']}")


@contextlib.contextmanager
def locked(place, table):
    with place.session() as other:
        other.stdin.write(f"BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE; SELECT 'held';\n")
        equal(other.stdout.readline(), "held\n", "the lock")
        try:
            yield
        finally:
            other.stdin.write("ROLLBACK;\n")
            other.stdin.close()
            other.wait()


def dead_rows_of(place):
    return {r["object_name"]: json.loads(r["detail"])["bytes"] for r in place.waiting("lakebase_metrics")
            if r["metric_name"] == "dead_tuple_ratio" and r.get("object_name")}


def a_locked_table_holds_nobody_up(version):
    tables = ("known", "unknown", "free")
    with Clinic(version) as place:
        place.transport += "\nlock_timeout_ms = 600000"  # who waited like all others would not come back
        place.write()
        for name in tables:
            place.sql(f"CREATE TABLE {name} (id int PRIMARY KEY, v text) WITH (autovacuum_enabled = off);"
                      f"INSERT INTO {name} SELECT g, repeat('x', 100) FROM generate_series(1, 5000) g")
        place.sql("ANALYZE known; ANALYZE free")
        for name in tables:
            place.sql(f"DELETE FROM {name} WHERE id > 100; SELECT pg_stat_force_next_flush()")
        with locked(place, "known, unknown"):
            told = place.run("monitor_system_health", min_dead_rows=100, min_table_mb=0)
            dead = dead_rows_of(place)
            vacuum = place.findings("identify_tables_needing_vacuum")
            indexes = place.run("run_full_index_analysis", min_minutes=0)["result"]
        equal(skipped(told).get("pg_stat_user_tables (dead rows)"), None, "the view is read")
        size = int(place.sql("SELECT pg_relation_size('free')"))
        equal((dead["public.known"], dead["public.unknown"], dead["public.free"]), (size, None, size),
              "sizes: as it was last known, not known, real")
        holds({"public.known", "public.unknown", "public.free"} <= {f["object"] for f in vacuum}, f"due: {vacuum}")
        contains(str(indexes["skipped"]), "their tables are locked")
        equal(indexes["examined"].get("tables"), 3, f"tables that indexes are judged on: {indexes['examined']}")
        with locked(place, "pg_extension"):
            told = place.run("monitor_system_health", **WARM)
        contains(skipped(told)["pg_extension"], "somebody holds or awaits an exclusive lock on what it reads")
        holds(told["result"]["examined"]["views"] > 5, f"the others: {told['result']}")


def a_plan_leaves_no_trace(version):
    with Clinic(version) as place:
        place.run("monitor_system_health", plan=True)
        equal(place.waiting("lakebase_metrics"), [], "rows")
        equal(place.run("monitor_system_health")["result"]["interval_seconds"], None, "what it remembers")


def an_extension_lives_where_it_likes(version):
    with Clinic(version) as place:
        place.sql('CREATE SCHEMA "Odd ""Place"; CREATE EXTENSION pg_stat_statements SCHEMA "Odd ""Place"')
        place.sql("SELECT pg_sleep(0.6)")
        first = place.run("monitor_system_health")
        equal(first["result"]["skipped"], [{"object": "pg_stat_io", "reason": first["result"]["skipped"][0]["reason"]}]
              if version < 16 else [], "skipped")
        holds("statements_forgotten" in rows_of(place), "the extension is read")


suite(*on_each(a_locked_table_holds_nobody_up, views_are_read_and_rates_need_two_readings, what_the_file_cache_has_is_no_miss,
                    what_cannot_be_read_is_no_lag_of_nothing, indexes_are_counted, a_reset_gives_no_rate,
                    one_refused_view_leaves_the_others, each_view_can_be_refused_and_the_others_are_read, views_are_read_at_a_pace_of_their_own, a_plan_leaves_no_trace, an_extension_lives_where_it_likes))
