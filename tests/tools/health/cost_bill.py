"""track_cost_attribution in a workspace: the bill as its system tables have it, attributed to the cent.

Its name is not test_: the emulator answers SQL with packages that only the tests' own Python has."""

import datetime
import json
import pathlib
import sys

from place import Workspace, contains, equal, holds, suite
from planted import midnight, plant

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "emulator"))
from workspace import system_tables  # noqa: E402

TOOL = "track_cost_attribution"
PRICES = {sku: effective for sku, (_, _, effective) in system_tables.PRICES.items()}


def with_warehouse(place):
    """History and the bill through the warehouse of the emulated workspace."""
    ready = place.emulator.ready
    place.write(f'[services.delta]\nplugin = "delta_databricks"\nhost = "{ready["url"]}"\nclient_id = "{ready["client_id"]}"\n'
                f'client_secret = {{ secret = "principal" }}\nca_file = "{ready["ca_file"]}"\npoll_ms = 10\nretry_pause_ms = 10\n'
                f'warehouse_id = "{ready["warehouse_id"]}"\nflush_interval_s = 3600\n')


def storage_cost(name, age):
    """Of a branch, so many days ago."""
    day = datetime.datetime.now(datetime.timezone.utc).date() - datetime.timedelta(days=age)
    return round(10 + 5 * system_tables.share("shop", name, day, "storage"), 6) * PRICES[system_tables.STORAGE]


def bill(branches, days):
    """What the emulator's rule makes of a project's branches: {branch: [cost of each day, the present one first]}."""
    today = datetime.datetime.now(datetime.timezone.utc).date()
    costs = {}
    for name in branches:
        for age in range(days):
            day = today - datetime.timedelta(days=age)
            compute = round(4 + 20 * system_tables.share("shop", name, day, "compute"), 6)
            compute *= 0.9 if day.toordinal() % 7 == 0 else 1  # taken back, and stated anew
            costs.setdefault(name, []).append(compute * PRICES[system_tables.COMPUTE] + storage_cost(name, age))
    return costs


def statements_have_their_share(place, cost):
    """Of production's compute: 3/4 of the time and no block, and 1/4 of the time with all blocks."""
    base = {"snapshot_timestamp": midnight(-3), "granularity": "snapshot", "system_identifier": 1, "postmaster_start": midnight(-9),
            "userid": 10, "dbid": 5, "toplevel": True, "calls": 9, "total_exec_time": 9.0, "calls_delta": 9}
    plant(place, "pg_stat_history", [
        {**base, "queryid": 11, "total_exec_time_delta": 3000.0, "shared_blks_read_delta": 0},
        {**base, "queryid": 12, "total_exec_time_delta": 1000.0, "shared_blks_read_delta": 500, "temp_blks_read_delta": 100}])
    told = {s["query_id"]: s for s in place.run(TOOL, branch="")["result"]["statements"]}
    equal((told["11"]["time_share"], told["11"]["block_share"]), (0.75, 0), "its shares")
    equal((told["12"]["time_share"], told["12"]["block_share"]), (0.25, 1), "the other's")
    first = place.run(TOOL, branch="", most_statements=1)["result"]["statements"]
    equal([s["query_id"] for s in first], ["12"], "so many as were asked for: by its share, and not one by time and one by blocks")
    equal(place.run(TOOL, branch="", most_statements=0)["result"].get("statements", []), [], "none")
    ratio = told["12"]["cost"] / told["11"]["cost"]
    holds(abs(ratio - 0.625 / 0.375) < 0.001, f"half by time and half by blocks: {ratio}")
    both = told["11"]["cost"] + told["12"]["cost"]
    holds(0 < both < cost, f"of the compute of the days that statements are known of: {both} of {cost}")
    holds(abs(told["11"]["cost_a_month"] - told["11"]["cost"] * 30 / 4) < 0.001, f"a month of it: {told['11']}")


def indexes_have_their_share(place, storage):
    """Of a production of 8,000 bytes in two databases, as it was looked at last."""
    size = {"metric_name": "database_size_bytes", "unit": "bytes", "kind": "gauge"}
    plant(place, "lakebase_metrics", [
        {**size, "snapshot_timestamp": midnight(-2), "metric_value": 99999.0, "object_name": "gone"},
        *({**size, "snapshot_timestamp": midnight(-1), "metric_value": value, "object_name": name}
          for name, value in (("app", 6000.0), ("postgres", 2000.0)))])
    found = {"created_at": midnight(-3), "schema_name": "public", "table_name": "orders", "confidence": "high"}
    rows = []
    for name, kind, impact, *steps in (("dear", "drop_unused", {"bytes": 4000}), ("new", "create_missing", {"bytes_added": 800}),
                                       ("made", "create_missing", {"bytes_added": 400}, "approved", "kept"),
                                       ("gone", "drop_unused", {"bytes": 4000}, "approved", "executed"),
                                       ("unwanted", "create_missing", {"bytes_added": 8}, "rejected")):
        row = {**found, "recommendation_id": f"idx-{name}", "index_name": name, "recommendation_type": kind}
        rows.append({**row, "updated_at": midnight(-3), "status": "pending_review", "impact": json.dumps(impact)})
        rows += [{**row, "updated_at": midnight(-2, hours=at), "status": step} for at, step in enumerate(steps)]
    plant(place, "index_recommendations", rows)
    told = place.run(TOOL, branch="")["result"]["indexes"]
    equal([(i["index"], i["status"], i["is_there"], i["storage_share"]) for i in told],
          [("dear", "pending_review", True, 0.5), ("new", "pending_review", False, 0.1), ("made", "kept", True, 0.05)], "the indexes")
    equal([i["name"] for i in told], ["shop/production"] * 3, "whose they are")
    month = sum(storage) / len(storage) * 30
    for index in told:
        holds(abs(index["cost_a_month"] - month * index["storage_share"]) < 0.001, f"of {month} a month: {index}")
    equal([i["index"] for i in place.run(TOOL, branch="", most_indexes=1)["result"]["indexes"]], ["dear"], "the dearest")


def the_bill_is_attributed_to_the_cent():
    with Workspace() as place:
        place.project()
        place.run("create_branch", branch="", project_id="shop", branch_name="staging")
        place.emulator.settled("projects/shop/branches/staging/endpoints/primary")
        place.run("create_ops_catalog", branch="")
        with_warehouse(place)
        told = place.run(TOOL, branch="")["result"]
        accounts = {a["name"]: a for a in told["accounts"]}
        wanted = bill(("production", "staging"), 35)
        equal(set(accounts), {f"shop/{name}" for name in wanted}, "each branch by name, and nothing that is nobody's")
        for name, days in wanted.items():
            holds(abs(accounts[f"shop/{name}"]["cost"] - sum(days)) < 0.001,
                  f"{name}: {accounts[f'shop/{name}']['cost']}, the bill says {sum(days)}")
        holds(abs(told["total_cost"] - sum(map(sum, wanted.values()))) < 0.001, "the total is the bill's")
        equal((told["lines_without_a_price"], told["currency"]), (0, "USD"), "prices")
        kept = place.waiting("cost_attribution")
        for name, days in wanted.items():
            mine = [r for r in kept if r["branch_id"] == name]
            holds(abs(sum(r["cost"] for r in mine) - sum(days[:9])) < 0.001, f"what is kept of {name}")
            equal({r["usage_unit"] for r in mine}, {"DBU", "DSU"}, "kinds")
        equal({r["list_price"] for r in kept if r["usage_unit"] == "DBU"}, {PRICES[system_tables.COMPUTE]}, "the price that held")
        equal(len({r["record_id"] for r in kept}), len(kept), "each line of the bill has a record of its own")
        again = place.run(TOOL, branch="")["result"]
        equal({r["record_id"] for r in place.waiting("cost_attribution")}, {r["record_id"] for r in kept}, "the same when read again")
        holds(abs(again["total_cost"] - told["total_cost"]) < 1e-6, "the second time")
        statements_have_their_share(place, sum(wanted["production"]))
        indexes_have_their_share(place, [storage_cost("production", age) for age in range(35)])
        findings = {f["object"] for f in place.findings(TOOL, branch="", least_money=0, share=0, sigmas=0)}
        holds(findings <= set(accounts), f"days above their weekday: {findings}")
        equal(place.findings(TOOL, branch="", least_money=1000), [], "nothing that dear")
        refused = place.run(TOOL, branch="", schema="nowhere")["result"]
        contains(str(refused["skipped"]), "no billing tables can be read")


suite(the_bill_is_attributed_to_the_cent)
