"""From a slow statement to an index that is kept, and from an index that nobody needed to one that is taken back: found
under load, explained, proposed, proven, approved, built, measured by the times of statements, judged."""

import json
import subprocess
import tempfile

from place import Given, contains, each_version, equal, holds, suite

from planted import answer

MORE = """
[services.delta]
plugin = "delta_local"
flush_interval_s = 3600
[[gate]]
tool = "generate_index_recommendation"
effect = "additive"
decision = "ask"
reason = "people want to see each index before it is built"
"""
# 99 % of the notices are done: an index by state looks selective by its many values, and does not help who asks for these.
TABLES = """
CREATE EXTENSION pg_stat_statements; CREATE EXTENSION hypopg;
CREATE TABLE orders (id int PRIMARY KEY, customer_id int, note text);
INSERT INTO orders SELECT i, i % 20000, repeat('x', 80) || i FROM generate_series(1, 120000) i;
CREATE TABLE notices (id int PRIMARY KEY, state int, body text);
INSERT INTO notices SELECT i, CASE WHEN i % 100 = 0 THEN i ELSE 1 END, repeat('y', 80) || i FROM generate_series(1, 60000) i;
ALTER TABLE notices ALTER state SET (n_distinct = 600);
ANALYZE orders; ANALYZE notices;
"""
SLOW = "SELECT count(note) FROM orders WHERE customer_id = 4711;"
IDLE = "SELECT max(body) FROM notices WHERE state = 1;"
FINE = "SELECT note FROM orders WHERE id = 99;"
GENERATE = "generate_index_recommendation"
LIMITS = {"min_confidence": 0.5, "min_calls": 20, "min_mean_ms": 0, "min_share": 0.02, "min_table_bytes": 0}
KEEP = {**LIMITS, "keep_days": 0, "apply": True}


def load(place, rounds=30):
    """Two people at work at once; snapshots around it, as the schedule would take them."""
    place.run("persist_pg_stat_statements")
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write(f"{SLOW}\n{IDLE}\n{FINE}\n")
        script.flush()
        done = subprocess.run(["pgbench", "-n", "-c", "2", "-t", str(rounds), "-f", script.name, "-d", place.url()],
                              capture_output=True, text=True, timeout=300, check=False)
    equal(done.returncode, 0, done.stderr)
    place.run("persist_pg_stat_statements")


def latest(place):
    """The last row of each recommendation in the history, by its table; and all its states in order."""
    rows = answer(place, "SELECT table_name, status, reason, evidence FROM index_recommendations ORDER BY updated_at")
    states = {}
    for row in rows:
        states.setdefault(row["table_name"], []).append(row["status"])
    return {row["table_name"]: row for row in rows}, states


def as_json(value):
    return json.loads(value) if isinstance(value, str) else value


def built(place):
    return place.sql("SELECT string_agg(c.relname, ' ' ORDER BY c.relname) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
                     " WHERE NOT i.indisprimary AND i.indisvalid AND i.indrelid IN ('orders'::regclass, 'notices'::regclass)")


def approve_all(place, count):
    requests = place.approvals()
    equal(len(requests), count, f"requests {requests}")
    for request in requests:
        place.approve(request["id"])


def one_is_kept_and_one_is_taken_back(version):
    with Given(version, more=MORE) as place:
        place.sql(TABLES)
        load(place)
        slow = place.run("analyze_slow_queries_with_ai", min_mean_exec_ms=0, min_calls=20, max_queries=10)["result"]
        mine = next(a for a in slow["analyses"] if "customer_id" in a["query"])
        contains(mine["explanation"][0]["text"], "an index of public.orders on customer_id would help")
        equal((mine["bottleneck"], mine["queued_for_review"]), ("missing_index", True), "the slow statement")

        first = place.run(GENERATE, apply=True, check=3, **LIMITS)["result"]
        made = first["recommendations"]
        equal({(r["object"], r["type"], r["status"]) for r in made},
              {("public.orders", "create_missing", "pending_review"), ("public.notices", "create_missing", "pending_review")},
              "proposals")
        holds(all(f["evidence"]["is_proven"] for f in first["findings"]), f"the planner's word for both: {first['findings']}")
        equal(built(place), "", "indexes before anybody has agreed")
        approve_all(place, 2)
        equal(built(place), "notices_state_idx orders_customer_id_idx", "indexes once somebody has")

        seen = place.run(GENERATE, **LIMITS)["result"]["followed"]
        equal([f["status"] for f in seen], ["executed", "executed"], "what has happened")
        early = place.run(GENERATE, **KEEP)["result"].get("followed", [])
        equal(early, [], "a verdict before anything was counted")
        load(place)
        judged = place.run(GENERATE, check=3, **KEEP)["result"]
        steps = {f["index"]: f for f in judged["followed"]}
        equal({(n, f["status"], f["undo"]) for n, f in steps.items()},
              {("orders_customer_id_idx", "kept", None), ("notices_state_idx", "executed", "waiting")}, "verdicts")
        contains(steps["orders_customer_id_idx"]["reason"], "over 60 calls")
        useless = next(f for f in judged["findings"] if f["kind"] == "useless_index")
        equal((useless["object"], useless["fix"]), ("public.notices_state_idx", "DROP INDEX CONCURRENTLY public.notices_state_idx"),
              "what is to be taken back")
        equal(built(place), "notices_state_idx orders_customer_id_idx", "indexes while somebody is asked")
        approve_all(place, 1)
        equal(built(place), "orders_customer_id_idx", "indexes in the end")
        ended = place.run(GENERATE, **{**KEEP, "apply": False})["result"]
        equal([(f["index"], f["status"]) for f in ended["followed"]], [("notices_state_idx", "reverted")], "the end")
        rows, states = latest(place)
        equal(states, {"orders": ["pending_review", "executed", "kept"], "notices": ["pending_review", "executed", "reverted"]},
              "their lives")
        figures = {table: as_json(row["evidence"])["measured"] for table, row in rows.items()}
        holds(all(f["calls_before"] == f["calls_after"] == 60 for f in figures.values()), f"calls {figures}")
        holds(figures["orders"]["mean_ms_after"] < 0.5 * figures["orders"]["mean_ms_before"], f"the gain {figures}")
        again = place.run(GENERATE, **KEEP)["result"]
        equal((again.get("followed", []), again.get("recommendations", [])), ([], []), "what did not help comes back")
        print(f"  {version}: {figures}")


suite(*each_version(one_is_kept_and_one_is_taken_back), at_once=2)
