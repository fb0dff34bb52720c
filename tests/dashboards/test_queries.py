"""Each query of dashboards/, as its file stands, by DuckDB (lbops sql) and by Spark on the same Delta tables, and its
figures against what arithmetic says of the same records.

usage: test_queries.py JARS_DIR
"""
import collections
import datetime
import math
import os
import sys
import time

from common import ROOT, Workspace, query_files
from sample import HOSTILE, NOW
from spark_here import start_spark
from suite import equal, holds, suite

ANSWERS = {}  # of DuckDB: name to (columns, rows)
PLACE = Workspace()
JARS = sys.argv.pop(1)
SPARK = []


def moment(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def plain(value):
    """A value as both engines would say it."""
    if isinstance(value, datetime.datetime):
        return value.replace(tzinfo=datetime.timezone.utc)
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, str) and len(value) >= 20 and value[4] == value[7] == "-" and value[10] == "T":
        return moment(value)
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else value


def same(one, other):
    one, other = plain(one), plain(other)
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9)
    return one == other


def header(path):
    lines = [line[3:].split(": ", 1) for line in path.read_text().splitlines() if line.startswith("-- ")]
    return lines


def answers():
    if not ANSWERS:
        PLACE.cli("sql", "SELECT 1")  # commits what waits
        for path in query_files():
            ANSWERS[f"{path.parent.name}.{path.stem}"] = PLACE.ask(path.read_text())
    return ANSWERS


def rows_of(name):
    columns, rows = answers()[name]
    return [dict(zip(columns, row)) for row in rows]


def records(table, **has):
    return [r for r in PLACE.sample.rows[table] if all(r.get(k) == v for k, v in has.items())]


def since(hours):
    return NOW - datetime.timedelta(hours=hours)


def latest(rows, key, time):
    newest = {}
    for row in rows:
        if row[key] not in newest or row[time] > newest[row[key]][time]:
            newest[row[key]] = row
    return list(newest.values())


# ---- both engines ----

def every_query_says_something_and_its_header_names_its_columns():
    equal(len(answers()), 27, "queries")
    for path in query_files():
        name = f"{path.parent.name}.{path.stem}"
        head = header(path)
        columns, rows = answers()[name]
        equal(dict(head)["query"], name, "name")
        equal([value.split(" ")[0] for key, value in head if key == "column"], columns, f"columns of {name}")
        holds(rows, f"{name} has no rows")
        window = dict(head).get("window")
        if window:
            holds(f"INTERVAL {window.split()[0]} DAYS" in path.read_text(), f"{name} has its window")


def spark_answers_the_same():
    answers()
    os.environ["TZ"] = "UTC"  # pyspark hands out moments as clocks on the wall show them
    time.tzset()
    from deltalake import DeltaTable  # that Spark reads the tables as well is shown where histories are compared
    spark = start_spark(JARS)
    SPARK.append(spark)
    for table in sorted(p.name for p in (PLACE.state / "history").iterdir() if (p / "_delta_log").is_dir()):
        spark.createDataFrame(DeltaTable(str(PLACE.state / "history" / table)).to_pyarrow_table()).createOrReplaceTempView(table)
    for path in query_files():
        name = f"{path.parent.name}.{path.stem}"
        columns, ours = answers()[name]
        frame = spark.sql(path.read_text())
        theirs = frame.collect()
        equal(frame.columns, columns, f"columns of {name}")
        equal(len(theirs), len(ours), f"rows of {name}")
        for number, (one, other) in enumerate(zip(ours, theirs)):
            for column, mine, yours in zip(columns, one, other):
                holds(same(mine, yours), f"{name}, row {number}, {column}: {mine!r} and {yours!r}")


# ---- the figures, computed another way ----

def now_counts_what_is_open():
    row = rows_of("overview.now")[0]
    equal([row["critical"], row["warnings"], row["waiting"]], [1, 1, 2], "open alerts and decisions")
    equal([(r["severity"], r["state"]) for r in rows_of("overview.alerts")],
          [("critical", "escalated"), ("warning", "fired"), ("info", "fired")], "alerts, not what was told of them")
    day = [r for r in records("tool_runs") if moment(r["started_at"]) > since(24)]
    equal(row["failed_runs"], sum(r["status"] == "failed" for r in day), "failed runs")
    equal(row["branches"], len({(r["project_id"], r["branch_id"]) for r in day}), "branches")
    equal(row["changes"], sum(moment(r["at"]) > since(24) and r["effect"] != "read"
                               for r in records("audit_log", outcome="applied")), "changes")
    equal([r for r in rows_of("overview.changes") if r["effect"] == "read"], [], "settings of our own sessions")
    equal(moment(row["as_of"]), NOW, "as of")


def statements_add_up():
    sums = collections.defaultdict(lambda: [0, 0.0])
    hours = collections.defaultdict(float)
    for r in records("pg_stat_history"):
        at = moment(r["snapshot_timestamp"])
        hours[at.replace(minute=0), f"{r['project_id']}/{r['branch_id']}"] += r["total_exec_time_delta"] / 1000
        if at > since(24):
            one = sums[r["queryid"], f"{r['project_id']}/{r['branch_id']}"]
            one[0] += r["calls_delta"]
            one[1] += r["total_exec_time_delta"]
    worst = sorted(sums.items(), key=lambda item: -item[1][1])[:10]
    for ours, ((_, place), (calls, total)) in zip(rows_of("performance.slowest"), worst):
        equal([ours["place"], ours["calls"]], [place, calls], "a slow statement")
        holds(math.isclose(ours["total_ms"], total) and math.isclose(ours["mean_ms"], total / calls), f"times of {ours}")
    load = rows_of("performance.load")
    equal(len(load), len(hours), "hours of load")
    holds(all(math.isclose(r["seconds"], hours[moment(r["at_hour"]), r["place"]]) for r in load), "seconds of load")


def one_statement_became_slower_and_one_is_slower_on_staging():
    found = rows_of("performance.regressions")
    equal([(r["query"], r["place"], r["verdict"]) for r in found],
          [("UPDATE sales.orders SET status = $1 WHERE id = $2", "shop/production", "regression")], "regressions")
    halves = {True: [0, 0.0], False: [0, 0.0]}
    for r in records("pg_stat_history", queryid=1001, project_id="shop", branch_id="production"):
        at = moment(r["snapshot_timestamp"])
        if at > since(25):
            halves[at > since(2)][0] += r["calls_delta"]
            halves[at > since(2)][1] += r["total_exec_time_delta"]
    before, now = halves[False][1] / halves[False][0], halves[True][1] / halves[True][0]
    holds(math.isclose(found[0]["ratio"], now / before), f"{found[0]['ratio']} for {now / before}")
    other = rows_of("compare.statements")
    equal([(r["fast_branch"], r["slow_branch"], HOSTILE in r["query"]) for r in other], [("production", "staging", True)],
          "slower elsewhere")
    holds(math.isclose(other[0]["ratio"], 3), "three times")


def recommendations_count_by_their_latest_step():
    newest = latest(records("index_recommendations"), "recommendation_id", "updated_at")
    counts = collections.Counter(r["status"] for r in newest)
    summary = rows_of("indexes.summary")
    equal([sum(r[k] for r in summary) for k in ("total", "pending", "executed", "rejected")],
          [10, counts["pending_review"], counts["kept"], counts["rejected"]], "by status")
    queue = rows_of("indexes.queue")
    places = {r["recommendation_id"]: "/".join(filter(None, (r["project_id"], r["branch_id"], r.get("database_name"))))
              for r in newest if r["status"] == "pending_review"}
    equal({r["recommendation_id"]: r["place"] for r in queue}, places, "the queue")


def days_of_vacuum_archive_and_cost():
    day = collections.Counter(r["executed_at"][:10] for r in records("vacuum_history")
                              if moment(r["executed_at"]) > since(7 * 24))
    ours = collections.Counter()
    for r in rows_of("vacuum.per_day"):
        ours[r["run_day"]] += r["operations"]
    equal(ours, day, "vacuum by day")
    removed = sum(r["dead_tuples_before"] - r["dead_tuples_after"] for r in records("vacuum_history", status="success"))
    equal(sum(r["removed"] for r in rows_of("vacuum.tables")), removed, "dead rows removed")
    archive = rows_of("archival.per_day")
    equal([(r["rows_archived"], r["rows_deleted"], r["operations"]) for r in reversed(archive)],
          [(1000, 0, 1), (2000, 2000, 1), (3000, 3000, 1), (4000, 4000, 1)], "archivals, each once")
    bill = rows_of("cost.per_day")
    shop = [r["cost"] for r in bill if r["project_id"] == "shop"]
    holds(math.isclose(sum(shop), sum((10.0 + d) * 0.5 for d in range(20)) + 1), f"a bill that was read twice: {sum(shop)}")
    equal(sum(r["unpriced"] for r in bill), 20, "records without a price")
    holds(math.isclose(sum(r["cost"] or 0 for r in rows_of("cost.by_sku")), sum(shop)), "the same by SKU")


def health_is_the_worst_of_each_hour():
    for name, metric, worst in (("cache_hit", "cache_hit_ratio", min), ("connections", "connection_utilization", max),
                                ("dead_tuples", "dead_tuple_ratio", max), ("txid_age", "txid_age", max)):
        hours = collections.defaultdict(list)
        for r in records("lakebase_metrics", metric_name=metric):
            at = moment(r["snapshot_timestamp"])
            if at > since(24):
                hours[at.replace(minute=0), f"{r['project_id']}/{r['branch_id']}"].append(r["metric_value"])
        found = rows_of(f"health.{name}")
        equal(len(found), len(hours), f"hours of {metric}")
        for r in found:
            values = hours[moment(r["at_hour"]), r["place"]]
            holds(math.isclose(r["worst"], worst(values)) and math.isclose(r["mean"], sum(values) / len(values)), str(r))
    current = rows_of("health.current")
    equal(len(current), 12, "four figures of three branches")
    equal((current[0]["threshold_level"], current[0]["metric_name"]), ("warning", "txid_age"), "the worst first")


def branches_by_their_last_event():
    active = {r["place"]: r for r in rows_of("branches.active")}
    equal(sorted(active), ["shop/ci-0", "shop/ci-1", "shop/ci-11", "shop/ci-2", "shop/production"], "there are")
    equal([active["shop/ci-11"][k] for k in ("source_branch", "creator_type", "expires_at")], ["staging", "human", None],
          "a name that is used again")
    equal(active["shop/production"]["is_protected"], True, "protected")
    side = {(r["project_id"], r["branch_id"]): r for r in rows_of("compare.branches")}
    calls = sum(r["calls_delta"] for r in records("pg_stat_history", project_id="shop", branch_id="staging")
                if moment(r["snapshot_timestamp"]) > since(24))
    equal([len(side), side["shop", "staging"]["calls"]], [3, calls], "side by side")


def copies_and_their_lag():
    current = rows_of("sync.current")
    equal([(r["source_table"], r["status"], r["count_drift"], r["checksum_match"]) for r in current],
          [("sales.lines", "drift_detected", 7, False), ("sales.lines", "waiting", None, None), ("sales.orders", "healthy", 0, True),
           ("sales.lines", "healthy", 0, True)], "copies")
    trend = [r["lag_minutes"] for r in rows_of("sync.trend") if r["source_table"] == "shop/production sales.lines"]
    equal(len(trend), 24, "hours of one branch's copy")
    holds(all(math.isclose(a, 5 + h) for a, h in zip(reversed(trend), range(24))), f"lag by hour: {trend}")


def another_window_is_another_number():
    path = ROOT / "dashboards" / "vacuum" / "per_day.sql"
    two = PLACE.ask(path.read_text().replace("INTERVAL 7 DAYS", "INTERVAL 2 DAYS"))[1]
    page = PLACE.page("two.html", "--days", "2").read_text()
    holds(page.count('<span class="span">2 days</span>') > 5, "the spans say so")
    card = page.split('id="vacuum.per_day"')[1].split("</article>")[0]
    equal(card.count('scope="row"'), len(two), "rows of two days")


suite(every_query_says_something_and_its_header_names_its_columns, now_counts_what_is_open, statements_add_up,
      one_statement_became_slower_and_one_is_slower_on_staging, recommendations_count_by_their_latest_step,
      days_of_vacuum_archive_and_cost, health_is_the_worst_of_each_hour, branches_by_their_last_event, copies_and_their_lag,
      another_window_is_another_number, spark_answers_the_same)
