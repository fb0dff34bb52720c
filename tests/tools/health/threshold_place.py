"""What the suites about alerts' figures share: an evaluation, and what it has told."""

QUICK = {"warm_up_min": 0, "min_block_accesses": 500, "min_dead_rows": 100, "min_table_mb": 0, "min_lag_mb": 0.001}


def limit(metric, warning, critical, below=False, **where):
    return (f'[[thresholds]]\nmetric = "{metric}"\nwarning = {warning}\ncritical = {critical}\n'
            + ("below = true\n" if below else "") + "".join(f'{k} = "{v}"\n' for k, v in where.items()))


def judge(place, metrics=None, **more):
    """Of which each sight counts, where nothing else is said."""
    more = {"fire_after": 1, "clear_after": 1, **more}
    if metrics is not None:
        more["metrics"] = metrics
    return place.run("evaluate_alert_thresholds", **more)


def told(document):
    """What was told, by kind of event and metric."""
    return sorted((e["type"].removeprefix("threshold."), e["payload"]["metric"]) for e in document["events"])


def states(document):
    return {a["metric"]: a["state"] for a in document["result"].get("alerts", [])}


def make_deadlock(people):
    one, two = people[2], people[3]
    one.say("BEGIN; UPDATE two SET id = id WHERE id = 1")
    two.say("BEGIN; UPDATE two SET id = id WHERE id = 2")
    one.start("UPDATE two SET id = id WHERE id = 2")
    two.say("UPDATE two SET id = id WHERE id = 1")
    one.say("ROLLBACK")
    two.say("ROLLBACK; SELECT pg_stat_force_next_flush()")
    one.say("SELECT pg_stat_force_next_flush()")
