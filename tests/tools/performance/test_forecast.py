"""forecast_capacity_needs: a line is gone on with, limits are met in time, and what is too young or too old is said."""

from place import Given, Local, contains, each_version, equal, holds, suite
from planted import KEEPS, answer, metric, midnight, plant

DAYS = 80
WEEK = (1.0, 1.1, 1.05, 1.08, 0.95, 0.4, 0.3)
TOOL = "forecast_capacity_needs"


def plant_growth(place, days=DAYS, last=-1, without=()):
    """Four readings a day: storage grows by 1 GB a day, connections by one with a quiet weekend, in a 200 of them."""
    rows = []
    for i in range(days):
        day = last - days + 1 + i
        if i in without:
            continue
        for hour in (2, 9, 14, 23):
            at = midnight(day, hour)
            share = WEEK[midnight(day).weekday()] if hour == 14 else 0.2
            rows += [metric("database_size_bytes", at, 100e9 + (i + hour / 24) * 1e9, "shop"),
                     metric("database_size_bytes", at, 7e6, 'Odd "Name"'),
                     metric("connections_total", at, round(60 * share + i)), metric("connections_limit", at, 200),
                     metric("next_xid", at, 5e9 + (i + hour / 24) * 1e6), metric("txid_age", at, 7e7)]
        for minute in range(0, 60, 15):
            rows.append(metric("active_time", midnight(day, 14 + minute / 60), (i * 24 + minute / 60) * 3.6e6 * 2))
    plant(place, "lakebase_metrics", rows)


def by_metric(result):
    return {f["metric"]: f for f in result.get("forecasts", [])}


def growth_is_gone_on_with(version):
    with Given(version, more=KEEPS) as place:
        plant_growth(place, without=(33, 34))
        result = place.run(TOOL, storage_limit_bytes=190 * 10**9)["result"]
        told = by_metric(result)
        equal(set(told), {"storage", "connections", "busy_sessions", "transaction_ids"}, "series")
        storage = told["storage"]
        equal((storage["days_known"], storage["days_filled_in"], storage["days_ahead"]), (DAYS, 2, 30), "days")
        last = 100e9 + (DAYS - 1 + 23 / 24) * 1e9 + 7e6
        holds(abs(storage["current"] - last) < 1, f"the sum of both databases: {storage['current']}")
        holds(abs(storage["forecast"] - last - 30e9) < 2e9, f"thirty days on: {storage['forecast']}")
        holds(abs(storage["growth_per_day"] - 1e9) < 1e7 and storage["error_ratio"] < 0.2, f"growth: {storage}")
        holds(9 <= storage["days_until_limit"] <= 11, f"190 GB less 180: {storage['days_until_limit']}")
        holds(abs(told["busy_sessions"]["current"] - 2) < 0.01, f"two at once: {told['busy_sessions']}")
        connections = told["connections"]
        holds(connections["lower_90"] <= connections["forecast"] <= connections["upper_90"], "the interval")
        equal(connections["limit"], 200, "the limit that was read last")
        ids = told["transaction_ids"]
        equal(ids["limit"], ids["current"] + 2**31 - 1 - 3_000_000 - 7e7, "where ids would run out")
        found = {f["kind"]: f for f in result["findings"]}
        equal(set(found), {"storage_limit_ahead"}, f"findings, and none of ids that are frozen in time: {list(found)}")
        holds(found["storage_limit_ahead"]["confidence"]["value"] > 0.9, "a sure one")
        equal(result["examined"], {"series": 4}, "coverage")
        kept = answer(place, "SELECT * FROM capacity_forecasts ORDER BY metric_name, horizon_days")
        for name in told:
            equal([int(r["horizon_days"]) for r in kept if r["metric_name"] == name], [1, 7, 14, 30], f"rows of {name}")
        holds(all(r["lower_bound"] <= r["forecast_value"] <= r["upper_bound"] for r in kept), "intervals that are kept")
        past = place.run(TOOL, storage_limit_bytes=150 * 10**9)["result"]
        (passed,) = [f for f in past["findings"] if f["kind"] == "storage_limit_ahead"]
        contains(passed["reason"], "storage is past its limit: 1.7", "of 1.5e+11 bytes")
        holds("will reach" not in passed["reason"], f"what was reached long ago: {passed['reason']}")
        equal((passed["evidence"]["days_until_limit"], by_metric(past)["storage"]["days_until_limit"]), (0, 0), "days until it")
        kept = answer(place, "SELECT * FROM capacity_forecasts ORDER BY metric_name, horizon_days")
        place.run(TOOL, plan=True)
        equal(len(answer(place, "SELECT * FROM capacity_forecasts")), len(kept), "rows after a plan")


def the_compute_can_grow_no_further(version):
    """A hundredth more of a session each day, on a compute of one capacity unit at most."""
    with Local(version, more=KEEPS) as place:
        place.sql("SELECT 1")
        rows = []
        for i in range(DAYS):
            for minute in range(0, 60, 15):
                busy = i * 24 * 3.6e6 + minute / 60 * 3.6e6 * (0.1 + 0.01 * i)
                rows.append(metric("active_time", midnight(i - DAYS, 14 + minute / 60), busy))
        plant(place, "lakebase_metrics", rows)
        result = place.run(TOOL)["result"]
        busy = by_metric(result)["busy_sessions"]
        contains(busy["limit_from"], "the compute's largest size, 1 CU, at 1 sessions each")
        holds(busy["limit"] == 1 and 9 <= busy["days_until_limit"] <= 13, f"from 0.89 on: {busy}")
        found, = result["findings"]
        equal(found["kind"], "busy_sessions_limit_ahead", "finding")
        contains(found["reason"], "busy_sessions will reach 1 sessions, which is the compute's largest size", "raise the endpoint's")
        kept = answer(place, "SELECT * FROM capacity_forecasts WHERE metric_name = 'busy_sessions'")
        holds(kept and all(r["limit_value"] == 1 and r["limit_reached_at"] for r in kept), f"what is kept: {kept}")
        alone = by_metric(place.run(TOOL, busy_sessions_limit=50)["result"])["busy_sessions"]
        equal((alone["limit"], alone["limit_from"]), (50, None), "what somebody has measured comes first")


def earlier_forecasts_are_held_against_what_came(version):
    with Given(version, more=KEEPS) as place:
        plant_growth(place, without=(75,))
        sizes = {day: 100e9 + (DAYS + day + 23 / 24) * 1e9 + 7e6 for day in range(-DAYS, 4)}
        plant(place, "capacity_forecasts", [
            {"forecast_id": f"f{day}", "created_at": midnight(day - 7), "metric_name": "storage", "method": "theil_sen",
             "forecast_for": midnight(day), "horizon_days": 7, "forecast_value": sizes[day] + off,
             "lower_bound": sizes[day] + off - 2e9, "upper_bound": sizes[day] + off + 2e9}
            for day, off in ((-2, 1e9), (-3, -1e9), (-4, 4e9), (-5, 0), (0, 9e9), (3, 9e9))])
        storage = by_metric(place.run(TOOL)["result"])["storage"]
        equal((storage["earlier_forecasts"], storage["earlier_forecasts_held"]), (3, 2), "of four, one for a day without readings")
        holds(abs(storage["earlier_mean_error"] - 2e9) < 1, f"what they were wrong by: {storage['earlier_mean_error']}")


def what_is_known_too_little_is_said(version):
    with Given(version, more=KEEPS) as place:
        first = place.run(TOOL)["result"]
        equal((first.get("forecasts"), first["examined"]), (None, {"series": 0}), "the first day")
        equal({s["object"] for s in first["skipped"]}, {"storage", "connections", "busy_sessions", "transaction_ids"}, "skipped")
        equal(place.waiting("capacity_forecasts"), [], "rows of nothing")

        place.run("monitor_system_health")
        plant_growth(place, days=20)
        young = place.run(TOOL)["result"]
        contains(" ".join(s["reason"] for s in young["skipped"]), "20 days are known")
        equal(young.get("findings", []), [], "findings of nothing")


def what_is_old_or_full_of_holes_is_said(version):
    with Given(version, more=KEEPS) as place:
        plant_growth(place, days=60, last=-9, without=range(20, 45))
        said = {s["object"]: s["reason"] for s in place.run(TOOL)["result"]["skipped"]}
        contains(said["storage"], "last good day was 9 days ago")
        plant_growth(place, days=8)
        said = {s["object"]: s["reason"] for s in place.run(TOOL)["result"]["skipped"]}
        contains(said["storage"], "25 of its 68 days")
        place.run(TOOL, days_ahead=0, check=2)
        place.run(TOOL, history_days=500, check=2)


def a_counter_of_another_cluster_begins_anew(version):
    with Given(version, more=KEEPS) as place:
        plant_growth(place, days=70)
        plant(place, "lakebase_metrics", [metric("next_xid", midnight(-day, 23.5), 1000 * (40 - day)) for day in range(1, 38)])
        result = place.run(TOOL)["result"]
        equal(by_metric(result)["transaction_ids"]["days_known"], 37, "days since it fell")
        far = [s["reason"] for s in result["skipped"] if s["object"] == "transaction_ids"]
        contains(" ".join(far), "from day 12 on")


suite(*each_version(growth_is_gone_on_with, the_compute_can_grow_no_further, earlier_forecasts_are_held_against_what_came, what_is_known_too_little_is_said, what_is_old_or_full_of_holes_is_said,
                    a_counter_of_another_cluster_begins_anew), at_once=2)
