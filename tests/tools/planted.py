"""History that is older than a test: rows put where runs would have put them, which the next question to history reads.

    plant(place, "lakebase_metrics", [{"snapshot_timestamp": midnight(-3), "metric_name": "txid_age", "metric_value": 7}])
"""

import datetime
import itertools
import json

KEEPS = '[services.delta]\nplugin = "delta_local"\nflush_interval_s = 3600\n'  # an addition to the manifest
COUNT = itertools.count(1)


def midnight(days=0, hours=0.0):
    """So many days from the present one's midnight, UTC."""
    today = datetime.datetime.now(datetime.timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0)
    return today + datetime.timedelta(days=days, hours=hours)


def line(members):
    return json.dumps(members, separators=(",", ":"))


def answer(place, question):
    """What lbops sql answers, as objects."""
    found = place.history(question)
    names = [column["name"] for column in found["columns"]]
    return [dict(zip(names, row)) for row in found["rows"]]


def plant(place, table, rows, project="shop"):
    folder = place.state / "outbox" / table
    folder.mkdir(parents=True, exist_ok=True)
    run = f"{next(COUNT):026d}"
    lines = [line({"lbops_outbox": 1, "table": table, "run_id": run, "rows": len(rows)})]
    for row in rows:
        times = {k: v.strftime("%Y-%m-%dT%H:%M:%S.%fZ") for k, v in row.items() if isinstance(v, datetime.datetime)}
        lines.append(line({"project_id": project, "branch_id": place.branch, "run_id": run, **row, **times}))
    (folder / f"{run}.ndjson").write_text("\n".join(lines) + "\n")


def metric(name, at, value, of=None, **more):
    row = {"snapshot_timestamp": at, "metric_name": name, "metric_value": value, "object_name": of, **more}
    return {name: value for name, value in row.items() if value is not None}
