"""create_branch_on_pr: one branch for each pull request, however often it is asked for and whatever is left."""

import sys

from place import TESTS, Local, Workspace, contains, each_version, equal, holds, suite

sys.path.insert(0, str(TESTS / "emulator"))
from harness import until  # noqa: E402

TARGETS = (("*", "shared"), ("production", "production"), ("ci-*", "throwaway"))


def opened(place, number, check=0, **params):
    return place.run("create_branch_on_pr", branch="", check=check, pr_number=number, **params)


def on_a_local_lakebase(version):
    with Local(version, targets=TARGETS) as place:
        contains(opened(place, 1, check=1, source_branch="staging")["error"]["message"], "there is no branch staging")
        plan = opened(place, 1, source_branch="production", plan=True)
        equal([c["executed"] for c in plan["changes"]], [False], "a plan")
        equal([sorted(place.branches()), place.waiting("branch_lifecycle")], [["production"], []], "makes nothing")
        first = opened(place, 1, source_branch="production")
        equal([first["result"][k] for k in ("branch", "created", "source_branch")], ["ci-pr-1", True, "production"],
              "opened")
        place.sql("CREATE TABLE t (n int)", branch="ci-pr-1")
        again = opened(place, 1, action="reopened", source_branch="production")
        equal([again["result"]["created"], again["result"]["reused"], again["changes"]], [False, True, []], "again")
        equal(place.sql("SELECT count(*) FROM t", branch="ci-pr-1"), "0", "its data is still there")
        plan = opened(place, 1, action="synchronize", source_branch="production", plan=True)
        equal([plan["result"]["reset"], {c["executed"] for c in plan["changes"]}], [False, {False}], "a plan of a reset")
        equal(place.sql("SELECT count(*) FROM t", branch="ci-pr-1"), "0", "takes no data")
        pushed = opened(place, 1, action="synchronize", source_branch="production")
        equal(pushed["result"]["reset"], True, "a push resets it")
        equal(place.sql("SELECT to_regclass('t')", branch="ci-pr-1"), "", "its data is fresh")
        holds(place.branches()["ci-pr-1"]["expire_time"], "it expires")
        rows = [(r["event_type"], r["creator_type"]) for r in place.waiting("branch_lifecycle")]
        equal(sorted(rows), [("created", "ci"), ("reset", "ci")], "history")
        for bad in ("0", "-1", "x", "1.5", "1; DROP", "99999999999999999999", ""):
            done = place.cli("run", "create_branch_on_pr", "--pr_number", bad)
            equal(done.returncode, 2, f"--pr_number {bad!r}")
        equal(sorted(place.branches()), ["ci-pr-1", "production"], "branches")


def in_a_workspace():
    with Workspace() as place:
        emulator = place.emulator
        place.project()
        place.run("create_branch", branch="", branch_name="staging")
        uid = opened(place, 7, project_id="shop")["result"]["uid"]
        # Closed by hand, softly, and opened again.
        emulator.finish(emulator.postgres("DELETE", "projects/shop/branches/ci-pr-7"))
        again = opened(place, 7, action="reopened")
        equal([c["statement"].split()[0] for c in again["changes"]], ["DELETE", "POST"], "what was left makes way")
        holds(place.branches()["ci-pr-7"]["uid"] not in (uid, None), "it is another branch")
        equal(place.branches()["ci-pr-7"]["current_state"], "READY", "and there")
        # Expired, and opened again.
        emulator.finish(emulator.postgres("POST", "projects/shop/branches", {"spec": {"ttl": "2s"}}, branch_id="ci-pr-8"))
        until(lambda: place.branches()["ci-pr-8"]["current_state"] == "DELETED")
        equal(opened(place, 8)["result"]["created"], True, "one that has expired")
        equal(sorted(place.branches()), ["ci-pr-7", "ci-pr-8", "production", "staging"], "branches")
        equal(opened(place, 8)["changes"], [], "the second run")
        contains(opened(place, 9, check=1, source_branch="ci-pr-8")["error"]["message"], "BR-035")
        contains(opened(place, 9, check=1, ttl="3d")["error"]["message"], "BR-030")


def a_run_that_is_killed_is_finished_by_the_next():
    with Workspace() as place:
        place.project()
        place.emulator.set(operation_s=3)
        words = ("run", "create_branch_on_pr", "--pr_number", "3", "--source_branch", "production")
        place.killed(lambda: "ci-pr-3" in place.branches(), *words)
        found = opened(place, 3, source_branch="production")
        equal([found["result"]["reused"], place.branches()["ci-pr-3"]["current_state"]], [True, "READY"], "the next run")


def two_at_once_make_one():
    with Workspace() as place:
        place.project()
        place.emulator.set(operation_s=0.5)
        for tool, branches in (("create_branch_on_pr", ["ci-pr-4", "production"]), ("delete_branch_on_pr_close", ["production"])):
            more = ("--source_branch", "production") if tool.startswith("create") else ()
            runs = [place.start("run", tool, "--pr_number", "4", *more) for _ in range(2)]
            equal([run.wait(60) for run in runs], [0, 0], f"{tool} twice at once")
            equal(sorted(place.branches()), branches, f"branches after {tool}")


suite(*each_version(on_a_local_lakebase), in_a_workspace, a_run_that_is_killed_is_finished_by_the_next,
      two_at_once_make_one, at_once=2)
