"""evaluate_alert_thresholds: what the figures behind an alert are made of, and when there is none."""

import contextlib
import json
import sqlite3

from health_place import Clinic, on_each
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


def leave(place, seconds):
    """So long nobody looks: what was read of deadlocks so far was read that much earlier."""
    with contextlib.closing(sqlite3.connect(place.state / "state.db")) as store:
        [(key, body)] = store.execute("SELECT key, body FROM document WHERE space = 'memory' AND body LIKE '%deadlock_counts%'")
        memory = json.loads(body)
        memory["deadlock_counts"] = [[at - seconds * 1_000_000, count] for at, count in memory["deadlock_counts"]]
        store.execute("UPDATE document SET body = ? WHERE space = 'memory' AND key = ?", (json.dumps(memory), key))
        store.commit()


def a_gap_of_days_is_no_hour(version):
    """Nobody looked for two days: what was counted in that time is of no hour. Five minutes later a new one has begun."""
    with Clinic(version) as place:
        place.write(limit("deadlocks_per_hour", 0.5, 50))
        place.sql("CREATE TABLE two (id int); INSERT INTO two VALUES (1), (2); GRANT ALL ON two TO public")
        role = place.role("clerk")

        def look():
            document = judge(place)
            return ([e["type"] for e in document["events"] if e["payload"]["metric"] == "deadlocks_per_hour"],
                    {u["metric"]: u["reason"] for u in document["result"].get("unknown", [])}.get("deadlocks_per_hour"))

        look()
        make_deadlock([place.person(role) for _ in range(4)])
        leave(place, DAYS)
        events, reason = look()
        equal(events, [], "nothing is known of the last hour")
        holds(reason and "min old: no hour is counted from it" in reason, reason)
        leave(place, 300)
        equal(look(), ([], None), "and in these five minutes there was none")
        make_deadlock([place.person(role) for _ in range(4)])
        leave(place, 300)
        equal(look(), (["threshold.breached"], None), "one within the hour")


def write_megabytes(place):
    place.sql("SELECT count(pg_logical_emit_message(false, 'lbops', repeat('x', 1000000))) FROM generate_series(1, 4); SELECT txid_current()")


@contextlib.contextmanager
def slot(place, create):
    """A slot of the name of the database, and a look at what is told of it."""
    name = place.database
    place.sql(create.format(f"'{name}'"))

    def look():
        told = [(e["type"].removeprefix("threshold."), e["payload"]) for e in judge(place, **{**QUICK, "min_lag_mb": 1})["events"]
                if e["payload"]["metric"] == "replication_lag"]
        holds(all(p["detail"]["evidence"]["slot"] == name for kind, p in told if kind == "breached"), told)
        return [kind for kind, _ in told]
    try:
        yield look
    finally:
        place.sql(f"SELECT pg_drop_replication_slot('{name}')")


ADVANCE = "SELECT pg_replication_slot_advance(current_database(), pg_current_wal_lsn())"


def a_slot_is_behind_since_there_is_work(version):
    """One that has read all is not late when work arrives, however long it had nothing to do."""
    with Clinic(version) as place:
        place.write(limit("replication_lag", 0.01, 1000))
        with slot(place, "SELECT pg_create_physical_replication_slot({}, true)") as look:
            place.sql(ADVANCE)
            equal((look(), look()), ([], []), "nothing is outstanding")
            write_megabytes(place)
            equal(look(), [], "it has just begun")
            equal(look(), ["breached"], "now it is late")
            place.sql(ADVANCE)
            equal(look(), ["cleared"], "it has read that")


def a_logical_slot_is_judged_by_what_its_reader_confirmed(version):
    """A transaction that stays open makes it keep WAL, which its reader has read."""
    with Clinic(version) as place:
        place.write(limit("replication_lag", 0.01, 1000))
        place.sql("CREATE TABLE kept (id int); GRANT ALL ON kept TO public")
        with slot(place, "SELECT pg_create_logical_replication_slot({}, 'pgoutput')") as look:
            look()
            person = place.person(place.role("clerk"))
            person.say("BEGIN; INSERT INTO kept VALUES (1)")
            write_megabytes(place)
            equal((look(), look()), ([], ["breached"]), "it has not been read")
            place.sql(ADVANCE)
            equal(look(), ["cleared"], "it has")
            equal(place.sql("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn) > 3000000 FROM pg_replication_slots"
                            " WHERE slot_name = current_database()"), "t", "and it is kept")
            equal((look(), look()), ([], []), "which is no lag")
            place.run("monitor_system_health")
            seen = {r["metric_name"]: r["metric_value"] for r in place.waiting("lakebase_metrics") if r.get("object_name") == place.database}
            holds(seen["slot_retained_bytes"] > 3e6 > seen["slot_lag_bytes"], str(seen))
            person.say("ROLLBACK")


suite(*on_each(a_table_is_followed_at_any_rank, a_slot_is_behind_since_there_is_work,
               a_logical_slot_is_judged_by_what_its_reader_confirmed, a_gap_of_days_is_no_hour))
