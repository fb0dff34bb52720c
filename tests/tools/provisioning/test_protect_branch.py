"""protect_branch: the platform's one protection, the policy's own, and what cannot be."""

from place import Local, Workspace, contains, each_version, equal, suite


def protect(place, branch, check=0, **params):
    return place.run("protect_branch", branch=branch, project="shop", check=check, **params)


def look(place):
    flag = {name: b.get("protected", b.get("is_protected", False)) for name, b in place.branches().items()}
    return sorted(name for name, is_protected in flag.items() if is_protected)


def course(place):
    place.run("create_branch", branch="", branch_name="staging")
    place.run("create_branch", branch="", branch_name="hotfix-1")
    equal(look(place), [], "before")
    by_policy = protect(place, "staging")
    equal([by_policy["result"][k] for k in ("protected", "by", "changed", "rule")], [True, "policy", False, "BR-002"],
          "staging")
    equal(by_policy["changes"], [], "changes for staging")
    contains(protect(place, "hotfix-1", check=1)["error"]["message"], "BR-034")
    first = protect(place, "production")
    equal([first["result"]["by"], first["result"]["changed"]], ["platform", True], "production")
    equal([(e["type"], e["payload"]["is_protected"]) for e in first["events"]], [("branch.protected", True)], "events")
    equal(look(place), ["production"], "after")
    again = protect(place, "production")
    equal([again["result"]["by"], again["changes"], again["events"]], ["platform", [], []], "the second run")
    contains(protect(place, "hotfix-1", check=1)["error"]["message"], "BR-042", "production")
    equal(protect(place, "nowhere", check=None)["error"] is not None, True, "a branch that is not there")
    row = [r for r in place.waiting("branch_lifecycle") if r["event_type"] == "protected"]
    equal([(r["branch_id"], r["is_protected"]) for r in row], [("production", True)], "history")
    equal(look(place), ["production"], "in the end")


def on_a_local_lakebase(version):
    with Local(version) as place:
        course(place)


def in_a_workspace():
    with Workspace() as place:
        place.project()
        course(place)


def a_plan_protects_nothing():
    with Workspace() as place:
        place.project()
        plan = place.run("protect_branch", branch="production", project="shop", plan=True)
        equal([(c["executed"], c["effect"]) for c in plan["changes"]], [(False, "additive")], "the plan")
        equal(look(place), [], "nothing was done")


suite(*each_version(on_a_local_lakebase), in_a_workspace, a_plan_protects_nothing, at_once=2)
