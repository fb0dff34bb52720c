"""check_txid_wraparound_risk on real servers: ages of databases and tables, thresholds, holders, the rate."""

import re

from place import Given, contains, each_version, equal, holds, suite
from upkeep import Private, burn, by_kind, plant, prepared, slot, somebody
from ward import Ward

TOOL = "check_txid_wraparound_risk"


def told(place, **params):
    """The risk, and the events: (type, metric, level)."""
    document = place.run(TOOL, **params)
    return document["result"]["risk_level"], [(e["type"], e["payload"]["metric"], e["payload"].get("level"))
                                              for e in document["events"]]


def old(place, **params):
    return place.run(TOOL, **{"warning_age": 20_000, "critical_age": 2_000_000_000, **params})


def a_young_database_is_safe(version):
    with Given(version) as place:
        document = place.run(TOOL)
        result = document["result"]
        equal((result["risk_level"], result["findings"], document["events"]), ("safe", [], []), "verdict")
        contains([d["database"] for d in result["databases"]], "template0", place.database)
        equal([d["may_connect"] for d in result["databases"] if d["database"] == "template0"], [False], "template0")
        contains(result["rate"], "unknown")
        rows = {r["metric_name"]: r for r in place.waiting("lakebase_metrics")}
        equal(sorted(rows), ["mxid_age", "next_mxid", "next_xid", "txid_age"], "metrics")
        equal(rows["txid_age"]["threshold_level"], "normal", "level")
        place.run(TOOL, check=1, warning_age=10, critical_age=5)


def age_is_found_with_its_holder(version):
    with Given(version) as place:
        plant(place, '"Old one"', dead=0)
        with somebody(place, "BEGIN", "INSERT INTO \"Old one\" VALUES (0)"):
            burn(place, 25_000)
            document = old(place, holder_seconds=0, most_tables=500)
            result = document["result"]
            equal(result["risk_level"], "warning", "risk")
            tables = {f["object"]: f for f in result["findings"] if f["kind"] == "table_txid_age"}
            found = tables["public.Old one"]
            holds(found["evidence"]["age"] >= 25_000, found)
            contains(found["reason"], "holds it back")
            equal(found["evidence"]["held_back_by"]["kind"], "session", "holder")
            contains([(f["object"], f["kind"]) for f in result["findings"]], (place.database, "database_txid_age"))
            event = document["events"][0]
            contains(str(event), "threshold.breached", "txid_age", "warning")
            few = old(place, most_tables=1)["result"]
            contains(str(few["skipped"]), "raise most_tables")
        place.sql(found["fix"])
        age = int(place.sql("SELECT age(relfrozenxid) FROM pg_class WHERE relname = 'Old one'"))
        holds(age >= 0, "the fix runs as it stands")
        equal(old(place, critical_age=20_001)["result"]["risk_level"], "critical", "a critical age")


def a_tables_own_limit_counts(version):
    with Given(version) as place:
        plant(place, "strict", dead=0, options="autovacuum_enabled=off, autovacuum_freeze_max_age=100000")
        plant(place, "easy", dead=0)
        with somebody(place, "BEGIN", "INSERT INTO easy VALUES (0)"):
            burn(place, 121_000)
            found = place.findings(TOOL, holder_seconds=0)
            equal(by_kind(found), [("public.strict", "table_txid_age"), ("public.strict", "toast_txid_age")],
                  "what is overdue")
            contains(found[0]["reason"], "times as old as autovacuum should let it become")
            equal(found[0]["evidence"]["freeze_max_age"], 100_000, "limit")
            equal(place.findings(TOOL, overdue_factor=2), [], "with more patience")


def slots_and_prepared_transactions_are_named(version):
    with Given(version) as place:
        plant(place, dead=0)
        with slot(place) as name:
            burn(place, 300)
            held = old(place)["result"]["held_back_by"]
            equal((held["kind"], held["holder"], held["state"]), ("slot", name, "inactive"), "slot")
        with prepared(place) as name:
            burn(place, 300)
            held = old(place, holder_seconds=0)["result"]["held_back_by"]
            equal((held["kind"], held["holder"]), ("prepared", name), "prepared transaction")


def the_rate_comes_from_two_readings(version):
    with Given(version) as place:
        with somebody(place) as busy:
            busy.stdin.write("DO $$ BEGIN LOOP PERFORM txid_current(); COMMIT; PERFORM pg_sleep(0.002);"
                             " END LOOP; END $$;\n")
            busy.stdin.flush()
            while place.sql("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'DO $$ BEGIN LOOP%'"
                            " AND datname = current_database()") == "0":
                pass
            result = place.run(TOOL, observe_seconds=1.3)["result"]
            place.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'DO $$ BEGIN LOOP%'"
                      " AND datname = current_database()")
        contains(result["rate"], "two readings", ", over 0.0", " minutes")
        holds(0 < result["days_to_refusal_of_xids"] < 5000, f"days: {result['days_to_refusal_of_xids']}")


def the_rate_comes_from_history(version):
    with Given(version) as place:
        contains(place.run(TOOL)["result"]["rate"], "there is no earlier reading")
        burn(place, 500)
        place.sql("SELECT pg_sleep(1)")
        result = place.run(TOOL)["result"]
        holds(re.fullmatch(r"from history, over 0\.\d+ minutes", result["rate"]), f"where it is from, and how long: {result['rate']}")
        holds(0 < result["days_to_refusal_of_xids"] < 1000, f"days: {result['days_to_refusal_of_xids']}")


def an_alert_ends_once_the_age_is_well_below(version):
    cleared = [("threshold.cleared", "txid_age", None)]
    with Ward(version) as ward, Private(ward) as place:
        burn(place, 25_000)
        equal(told(place, warning_age=20_000), ("warning", [("threshold.breached", "txid_age", "warning")]), "old")
        age = int(place.sql("SELECT max(age(datfrozenxid)) FROM pg_database"))
        equal(told(place, warning_age=age + age // 20), ("safe", []), "only just below it")
        equal(told(place), ("safe", cleared), "well below it")
        equal(told(place), ("safe", []), "said once")


def the_days_that_are_left_make_an_alert_where_autovacuum_is_overdue(version):
    breached, cleared = "threshold.breached", "threshold.cleared"
    long, short = {"warning_days": 365, "critical_days": 0}, {"warning_days": 365, "critical_days": 365}
    with Ward(version, autovacuum_freeze_max_age=100_000) as ward, Private(ward) as place, \
            somebody(place, "BEGIN", "SELECT pg_current_xact_id()"):
        equal(told(place, **long), ("safe", []), "no rate is known")
        burn(place, 100_000)
        place.sql("SELECT pg_sleep(1)")
        equal(told(place, **long), ("safe", []), "soon at this rate, and autovacuum has time yet")
        burn(place, 25_000)
        equal(told(place, **long), ("warning", [(breached, "txid_days_left", "warning")]), "overdue")
        equal(told(place, **short), ("critical", [(breached, "txid_days_left", "critical")]), "overdue, and nearer")
        equal(told(place, **short, warning_age=110_000), ("critical", [(breached, "txid_age", "warning"),
                                                                      (breached, "txid_days_left", "critical")]), "and old")
        equal(told(place, **long, overdue_factor=2),
              ("safe", [(cleared, "txid_age", None), (cleared, "txid_days_left", None)]), "with more patience")
        equal(told(place, **long, overdue_factor=2), ("safe", []), "said once")


suite(*each_version(a_young_database_is_safe, age_is_found_with_its_holder, a_tables_own_limit_counts,
                    slots_and_prepared_transactions_are_named, the_rate_comes_from_two_readings,
                    the_rate_comes_from_history, an_alert_ends_once_the_age_is_well_below,
                    the_days_that_are_left_make_an_alert_where_autovacuum_is_overdue), at_once=2)
