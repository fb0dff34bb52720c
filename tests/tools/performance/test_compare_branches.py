"""compare_branches: a branch with an index beside one without, by the times that statements took on each."""

from place import Local, contains, each_version, equal, holds, suite
from planted import KEEPS, metric, midnight, plant

TOOL = "compare_branches"
TARGETS = (("production", "production"), ("*", "shared"))
TABLE = """CREATE EXTENSION IF NOT EXISTS pg_stat_statements;
CREATE TABLE orders (id int PRIMARY KEY, customer_id int, note text);
INSERT INTO orders SELECT i, i % 4000, repeat('x', 60) || i FROM generate_series(1, 40000) i; ANALYZE orders;"""
SLOW = "SELECT count(note) FROM orders WHERE customer_id = 17;" * 20


def an_index_on_one_of_them_shows(version):
    with Local(version, targets=TARGETS, more=KEEPS) as place:
        place.sql(TABLE)
        place.cli("target", "create", "tuned", "--ttl", "1h", check=0)
        place.sql("CREATE INDEX ON orders (customer_id)", branch="tuned")
        for branch in ("production", "tuned"):
            place.run("persist_pg_stat_statements", branch=branch)
            place.sql(SLOW, branch=branch)
            place.run("persist_pg_stat_statements", branch=branch)
        told = place.run(TOOL, other_branch="tuned")["result"]
        (found,) = [s for s in told["statements"] if "customer_id" in (s["query"] or "")]
        equal((found["calls_here"], found["calls_there"]), (20, 20), "calls on each")
        holds(found["blocks_here"] > 5 * found["blocks_there"], f"what each call reads {found}")
        holds(found["factor"] >= 1 and found["mean_ms_here"] > 0 and found["mean_ms_there"] > 0, f"and takes {found}")
        holds(found["database"] and abs(found["calls_per_hour_here"] - 20 / told["observed_hours_here"]) < 0.01 * found["calls_per_hour_here"],
              f"how often in an hour {told}")
        alone = place.run(TOOL, other_branch="tuned", query_id=found["query_id"])["result"]
        equal((len(alone["statements"]), alone["metrics_compared"]), (1, 0), "one statement alone")


def metrics_stand_side_by_side(version=None):
    with Local(version, targets=TARGETS, more=KEEPS) as place:
        at = midnight(-1, 12)
        plant(place, "lakebase_metrics", [metric("cache_hit_ratio", at, 0.9), metric("table_bytes", at, 100)])
        none = place.run(TOOL, other_branch="tunde", hours=100, check=1)["error"]
        equal(none["code"], "not_found", "a branch that never was")
        contains(none["message"], "has no branch tunde, and history has never had one")
        contains(none["hint"], "production")
        place.cli("target", "create", "young", "--ttl", "1h", check=0)
        contains(str(place.run(TOOL, other_branch="young", hours=100)["result"]["skipped"]),
                 "history has never had anything of it: monitor_system_health", "production")
        plant(place, "lakebase_metrics", [{**metric("table_bytes", midnight(-9), 100), "branch_id": "tuned"}])
        for more in ({}, {"metric": "table_bytes"}):
            empty = place.run(TOOL, other_branch="tuned", hours=100, **more)["result"]
            contains(str(empty["skipped"]), "history has nothing of the last 100 hours that both branches have")
        none = place.run(TOOL, other_branch="tuned", metric="table_bites", check=1)["error"]
        contains(f"{none['code']} {none['message']}", "not_found neither production nor tuned ever had a metric table_bites")
        contains(none["hint"], "cache_hit_ratio, table_bytes")
        plant(place, "lakebase_metrics", [metric("procedure_change", at, 1), {**metric("procedure_change", at, 0), "branch_id": "tuned"}])
        plant(place, "lakebase_metrics", [{**metric("cache_hit_ratio", at, 0.3), "branch_id": "tuned"},
                                          {**metric("table_bytes", at, 100), "branch_id": "tuned"},
                                          {**metric("only_there", at, 1), "branch_id": "tuned"}])
        told = place.run(TOOL, other_branch="tuned", hours=100)["result"]
        equal([(m["metric"], m["here"], m["there"], round(m["factor"], 6)) for m in told["metrics"]],
              [("cache_hit_ratio", 0.9, 0.3, 3), ("table_bytes", 100, 100, 1)], "what differs most comes first")
        far = place.run(TOOL, other_branch="tuned", hours=100, min_factor=2)["result"]
        equal([m["metric"] for m in far["metrics"]], ["cache_hit_ratio"], "what differs by twice")
        one = place.run(TOOL, other_branch="tuned", hours=100, metric="table_bytes")["result"]
        equal([m["metric"] for m in one["metrics"]], ["table_bytes"], "one metric alone")
        one = place.run(TOOL, other_branch="tuned", hours=100, metric="procedure_change")["result"]
        equal([m["metric"] for m in one["metrics"]], ["procedure_change"], "what nobody measures is told to who asks for it")
        itself = place.run(TOOL, other_branch="production")["result"]
        equal([(s["object"], s["reason"]) for s in itself["skipped"]],
              [("production", "it is the branch itself: there is nothing to compare it with")], "the branch itself")
        equal((itself["metrics_compared"], itself["statements_compared"]), (0, 0), "nothing is compared")
        counters_are_compared_by_the_hour(place)
        for wrong in ("abc", "7x", "0", "99999999999999999999"):
            equal(place.run(TOOL, other_branch="tuned", query_id=wrong, check=1)["error"]["code"], "invalid", wrong)
        place.run(TOOL, check=2)


def counters_are_compared_by_the_hour(place):
    """What they grew by while they counted without a break: totals say how long ago a branch began."""
    def counter(name, hour, value, branch="production", of=None, **more):
        return metric(name, midnight(-1, hour), value, of, kind="counter", branch_id=branch, **more)
    plant(place, "lakebase_metrics", [
        *(counter("blocks_read", hour, value) for hour, value in ((1, 100), (3, 400), (3.5, 50), (4.5, 150))),  # it began anew
        *(counter("blocks_read", hour, value, "tuned") for hour, value in ((1, 9000), (3, 9800))),
        *(counter("seq_scans", hour, value, of="app") for hour, value in ((1, 1), (2, 3))), counter("seq_scans", 1, 7, "tuned", "app"),
        *(counter("index_scans", hour, value) for hour, value in ((1, 1), (2, 3)))])
    told = place.run(TOOL, other_branch="tuned", hours=100)["result"]
    found = [m for m in told["metrics"] if m["per"] == "hour"]
    equal([(m["metric"], round(m["here"], 3), m["there"], round(m["factor"], 6), m["readings_here"]) for m in found],
          [("blocks_read", 133.333, 400, 3, 4)], "by the hour")
    equal([m["metric"] for m in told["metrics"] if m["per"] is None], ["cache_hit_ratio", "table_bytes"], "means")
    (unknown,) = [s for s in told["skipped"] if "seq_scans" in s["object"]]
    equal(unknown["object"], "seq_scans of app", "what has no rate")
    contains(unknown["reason"], "no rate of it is known on tuned")
    alone = place.run(TOOL, other_branch="tuned", hours=100, metric="blocks_read")["result"]
    equal(alone["metrics_compared"], 1, "one counter alone")
    # It began anew between the second and the third, which are further apart than it had come: only the server can tell.
    plant(place, "lakebase_metrics", [
        *(counter("wal_bytes", hour, value, epoch=epoch) for hour, value, epoch in ((1, 10, "a"), (2, 110, "a"), (3, 500, "b"), (4, 600, "b"))),
        *(counter("wal_bytes", hour, value, "tuned", epoch="c") for hour, value in ((1, 0), (2, 400)))])
    began = place.run(TOOL, other_branch="tuned", hours=100, metric="wal_bytes")["result"]["metrics"]
    equal([(round(m["here"], 3), round(m["there"], 3), m["readings_here"]) for m in began], [(100, 400, 4)], "in two hours of the three")


def databases_are_kept_apart(version=None):
    """The same statement in two databases of a server, on branches that were looked at for two hours and for half an hour."""
    with Local(version, targets=TARGETS, more=KEEPS) as place:
        def snapshot(hour, database, calls, ms, branch, seconds):
            return {"granularity": "snapshot", "system_identifier": 1, "postmaster_start": midnight(-9), "userid": 10, "toplevel": True,
                    "dbid": len(database), "database_name": database, "queryid": 77, "calls": 999, "total_exec_time": 999.0,
                    "calls_delta": calls, "total_exec_time_delta": ms, "snapshot_timestamp": midnight(-1, hour), "branch_id": branch,
                    **({"interval_seconds": seconds} if seconds else {})}
        first = [snapshot(hour, database, calls, ms, "production", 3600) for hour in (1, 2)
                 for database, calls, ms in (("app", 10, 20.0), ("copy", 10, 4000.0))]
        plant(place, "pg_stat_history", [*first, snapshot(1, "app", 20, 20.0, "tuned", 1800), snapshot(1, "copy", 20, 20.0, "tuned", 1800)])
        told = place.run(TOOL, other_branch="tuned", hours=100)["result"]
        equal([(s["database"], s["query_id"], s["mean_ms_here"], s["mean_ms_there"]) for s in told["statements"]],
              [("copy", "77", 400, 1), ("app", "77", 2, 1)], "in each of them")
        equal([(s["calls_here"], s["calls_there"], s["calls_per_hour_here"], s["calls_per_hour_there"]) for s in told["statements"]],
              [(20, 20, 10, 40)] * 2, "as often in all, and four times as often in an hour")
        equal((told["observed_hours_here"], told["observed_hours_there"], told["statements_compared"]), (2, 0.5, 2), "looked at")
        plant(place, "pg_stat_history", [snapshot(3, "app", 5, 5.0, "blind", None)])
        told = place.run(TOOL, other_branch="blind", hours=100)["result"]
        equal([(s["calls_per_hour_here"], s["calls_per_hour_there"]) for s in told["statements"]], [(10, None)], "not known")
        equal([(s["object"], s["reason"]) for s in told["skipped"]],
              [("blind", "no rate of its statements is known: history does not say how long they were counted")], "and said")


suite(*each_version(an_index_on_one_of_them_shows, metrics_stand_side_by_side, databases_are_kept_apart), at_once=2)
