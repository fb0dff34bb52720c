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
        alone = place.run(TOOL, other_branch="tuned", query_id=found["query_id"])["result"]
        equal((len(alone["statements"]), alone["metrics_compared"]), (1, 0), "one statement alone")


def metrics_stand_side_by_side(version=None):
    with Local(version, targets=TARGETS, more=KEEPS) as place:
        at = midnight(-1, 12)
        plant(place, "lakebase_metrics", [metric("cache_hit_ratio", at, 0.9), metric("table_bytes", at, 100)])
        empty = place.run(TOOL, other_branch="tuned", hours=100)["result"]
        contains(str(empty["skipped"]), "history has nothing of the last 100 hours that both branches have")
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
        itself = place.run(TOOL, other_branch="production")["result"]
        equal([(s["object"], s["reason"]) for s in itself["skipped"]],
              [("production", "it is the branch itself: there is nothing to compare it with")], "the branch itself")
        equal((itself["metrics_compared"], itself["statements_compared"]), (0, 0), "nothing is compared")
        for wrong in ("abc", "7x", "0", "99999999999999999999"):
            equal(place.run(TOOL, other_branch="tuned", query_id=wrong, check=1)["error"]["code"], "invalid", wrong)
        place.run(TOOL, check=2)


suite(*each_version(an_index_on_one_of_them_shows, metrics_stand_side_by_side), at_once=2)
