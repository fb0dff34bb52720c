"""create_ops_catalog: what the history needs in Unity Catalog, once; and a plain word where there is none."""

import json

from place import Local, Workspace, contains, each_version, equal, suite

UNITY = "/api/2.1/unity-catalog"


def ready(place, check=0, **params):
    return place.run("create_ops_catalog", branch="", check=check, **params)


def unity(place, path):
    return place.emulator.call("GET", f"{UNITY}/{path}")


def in_a_workspace():
    with Workspace() as place:
        plan = ready(place, plan=True, readers=["data-team"])
        equal([c["statement"].split()[1] for c in plan["changes"]],
              [f"unity-catalog/{kind}" for kind in ("catalogs", "schemas", "volumes")], "the plan")
        equal(unity(place, "catalogs/ops_catalog").status, 404, "nothing was done")
        first = ready(place)
        equal([o["created"] for o in first["result"]["objects"]], [True, True, True], "made")
        equal([unity(place, p).status for p in ("catalogs/ops_catalog", "schemas/ops_catalog.lakebase_ops",
                                                "volumes/ops_catalog.lakebase_ops.outbox")], [200] * 3, "they are there")
        again = ready(place)
        equal([again["changes"], [o["created"] for o in again["result"]["objects"]]], [[], [False] * 3], "the second run")

        plan = ready(place, plan=True, readers=["data-team"])
        equal([c["statement"].split()[1] for c in plan["changes"]],
              [f"unity-catalog/permissions/{name}" for name in ("catalog/ops_catalog", "schema/ops_catalog.lakebase_ops")],
              "whom a plan would let in")
        asked = ready(place, check=3, readers=["data-team"])
        equal([c["executed"] for c in asked["changes"]], [False, False], "whom one lets in is for a person to decide")
        for approval in place.approvals():
            place.approve(approval["id"])
        held = unity(place, "permissions/schema/ops_catalog.lakebase_ops").json["privilege_assignments"]
        equal(held, [{"principal": "data-team", "privileges": ["SELECT", "USE_SCHEMA"]}], "grants")
        equal(ready(place, readers=["data-team"])["changes"], [], "and no more")


def what_is_there_is_completed():
    with Workspace() as place:
        place.emulator.call("POST", f"{UNITY}/catalogs", {"name": "mine"})
        plan = ready(place, plan=True, catalog="mine", schema="history", readers=["data-team"])
        equal([c["statement"].split()[1] for c in plan["changes"]],
              [f"unity-catalog/{name}" for name in ("schemas", "volumes", "permissions/catalog/mine")], "a plan leaves out what is not there")
        done = ready(place, catalog="mine", schema="history")
        equal([o["created"] for o in done["result"]["objects"]], [False, True, True], "what was missing")
        for bad in ("a b", "a/b", "", "A", "../x"):
            contains(json.dumps(ready(place, check=1, catalog=bad)["error"]), "cannot be a name")
        place.emulator.fault("status", "/schemas$", "POST", status=403, error_code="PERMISSION_DENIED", message="no")
        error = ready(place, check=1, catalog="mine", schema="other")["error"]
        equal(error["code"], "denied", "without a right")
        contains(error["hint"], "CREATE SCHEMA")


def at_home(version):
    """Where there is no Unity Catalog the history's own service makes its tables; what the run records has it do so."""
    with Local(version) as place:
        done = ready(place)
        equal([done["status"], done["result"]["unity_catalog"], done["changes"]], ["ok", False, []], "at home")
        contains(done["result"]["details"], "at home")
        asked = place.history("SELECT metric_name FROM ops_catalog.lakebase_ops.lakebase_metrics")
        equal(asked["rows"], [["ops_catalog_tables"]], "the first table is there")
        equal(ready(place)["changes"], [], "the second run")


suite(in_a_workspace, what_is_there_is_completed, *each_version(at_home), at_once=2)
