"""evaluate_alert_thresholds: what the figures behind an alert are made of, and when there is none."""

import os

from health_place import Clinic, away, on_each
from place import equal, holds, suite
from threshold_place import QUICK, judge, limit, make_deadlock


def dead_rows(table, dead):
    """A table of 300 rows of which so many are dead."""
    return (f"CREATE TABLE {table} (id int) WITH (autovacuum_enabled = off);"
            f" INSERT INTO {table} SELECT generate_series(1, 300); ANALYZE {table}; DELETE FROM {table} WHERE id <= {dead};")


def tables_told(document):
    """What was told of tables, by kind of event."""
    told = [(e["type"].removeprefix("threshold."), e["payload"]["table"]) for e in document["events"]
            if e["payload"]["metric"] == "dead_tuple_ratio"]
    return {kind: sorted(table for k, table in told if k == kind) for kind, _ in told}


def a_table_is_followed_at_any_rank(version):
    """Ten others are worse, and then so many that the server's list of the worst ends before it: its alert stays open
    until the table is well."""
    with Clinic(version) as place:
        place.sql(dead_rows("old", 120) + "SELECT pg_stat_force_next_flush()")
        equal(tables_told(judge(place, **QUICK)), {"breached": ["old"]}, "it opens")
        place.sql("".join(dead_rows(f"worse{i:02}", 200) for i in range(10, 20)) + "SELECT pg_stat_force_next_flush()")
        equal(tables_told(judge(place, **QUICK)), {"breached": [f"worse{i}" for i in range(10, 20)]}, "ten are worse")
        place.sql("".join(dead_rows(f"more{i:02}", 220) for i in range(55)) + "SELECT pg_stat_force_next_flush()")
        seen = judge(place, **QUICK)
        equal(tables_told(seen), {"breached": [f"more{i:02}" for i in range(10)]}, "of the new ones ten, and nothing is over")
        old = next(a for a in seen["result"]["alerts"] if a["object"] == "public.old")
        equal((old["state"], round(old["value"], 3)), ("open", 0.286), "it is judged by its own figure")
        holds(any("more tables with dead rows" in s["object"] for s in seen["result"]["skipped"]), seen["result"]["skipped"])
        place.sql("VACUUM old")
        place.sql("DROP TABLE worse10")
        equal(tables_told(judge(place, **QUICK)), {"cleared": ["old", "worse10"]}, "those that are well or gone")


DAYS = 2 * 86400


def a_gap_of_days_is_no_hour(version):
    """Nobody looked for two days: what was counted in that time is of no hour. Five minutes later a new one has begun."""
    with Clinic(version) as place:
        place.write(limit("deadlocks_per_hour", 0.5, 50))
        place.sql("CREATE TABLE two (id int); INSERT INTO two VALUES (1), (2); GRANT ALL ON two TO public")
        role = place.role("clerk")
        env = away(place)

        def look(seconds):
            (place.dir / "clock").write_text(str(seconds))
            document = judge(place, env=env)
            return ([e["type"] for e in document["events"] if e["payload"]["metric"] == "deadlocks_per_hour"],
                    {u["metric"]: u["reason"] for u in document["result"].get("unknown", [])}.get("deadlocks_per_hour"))

        look(0)
        make_deadlock([place.person(role) for _ in range(4)])
        events, reason = look(DAYS)
        equal(events, [], "nothing is known of the last hour")
        holds(reason and "min old: no hour is counted from it" in reason, reason)
        equal(look(DAYS + 300), ([], None), "and in these five minutes there was none")
        make_deadlock([place.person(role) for _ in range(4)])
        equal(look(DAYS + 600), (["threshold.breached"], None), "one within the hour")


# Nothing can be preloaded before the sanitizer.
CLOCKS = [] if os.environ.get("LBOPS_SANITIZED") else [a_gap_of_days_is_no_hour]
suite(*on_each(a_table_is_followed_at_any_rank, *CLOCKS))
