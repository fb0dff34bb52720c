"""enforce_ttl_policies: what is over its time goes, and nothing else; where somebody is connected a person decides."""

import json
import sys

from place import TESTS, Local, Workspace, contains, each_version, equal, holds, suite

sys.path.insert(0, str(TESTS / "emulator"))
from harness import until  # noqa: E402

SHORT = {"kinds": [{"id": "BR-001", "kind": "production", "patterns": ["production"], "ttl": "never"},
                   {"id": "BR-002", "kind": "staging", "patterns": ["staging"], "parents": ["production"],
                    "ttl": "never", "protection": "policy"},
                   {"id": "BR-005", "kind": "ci", "patterns": ["ci-pr-{number}"], "parents": ["production", "staging"],
                    "ttl": "1s"}]}
TARGETS = (("*", "shared"), ("production", "production"), ("ci-*", "throwaway"))


def sweep(place, check=0, **params):
    return place.run("enforce_ttl_policies", branch="", check=check, **params)


def counts(document):
    return [document["result"][k] for k in ("branches_deleted", "expiries_set", "not_done", "total_active")]


def with_somebody_connected(version):
    """A branch made by hand that never expires, and lived too long by the time that anybody looks."""
    with Local(version, targets=TARGETS) as place:
        policy = place.dir / "policy.json"
        policy.write_text(json.dumps(SHORT))
        place.run("create_branch", branch="", branch_name="staging")
        place.cli("target", "create", "ci-pr-1", "--keep", check=0)
        place.cli("target", "create", "mine", "--keep", check=0)
        somebody = place.session("ci-pr-1")
        somebody.stdin.write("SELECT 'here';\n")
        equal(somebody.stdout.readline().strip(), "here", "somebody is connected")
        asked = sweep(place, check=None, policy=policy)
        until(lambda: sweep(place, check=None, policy=policy)["status"] == "pending_approval")
        asked = sweep(place, check=3, policy=policy)
        equal(asked["status"], "pending_approval", "with somebody connected")
        contains(json.dumps(asked["approvals"]) + json.dumps(place.approvals()), "BR-053", "psql")
        equal(sorted(place.branches()), ["ci-pr-1", "mine", "production", "staging"], "branches")
        somebody.stdin.close()
        somebody.wait()
        plan = sweep(place, policy=policy, plan=True)
        equal([[c["executed"] for c in plan["changes"]], counts(plan)[0]], [[False], 0], "a plan")
        equal(sorted(place.branches()), ["ci-pr-1", "mine", "production", "staging"], "takes nothing away")
        done = sweep(place, policy=policy)
        equal(counts(done), [1, 0, 0, 3], "once they have gone")
        equal([(e["type"], e["payload"]["branch_id"]) for e in done["events"]], [("branch.deleted", "ci-pr-1")], "events")
        equal(sorted(place.branches()), ["mine", "production", "staging"], "branches")
        again = sweep(place, policy=policy)
        equal([again["changes"], again["events"]], [[], []], "the second run")
        contains(json.dumps(again["result"]["skipped"]), "shop/mine", "BR-020")
        rows = [r for r in place.waiting("branch_lifecycle") if r["event_type"] == "expired"]
        equal([r["branch_id"] for r in rows], ["ci-pr-1"], "history")


def in_a_workspace():
    routine = '[[routine]]\nwhat = "expiry"\nbranch = "feat-*"\nreason = "they are made to go"\n'
    with Workspace(more=routine) as place:
        emulator = place.emulator
        emulator.project("shop")
        for name in ("staging", "development", "somebodys-own"):
            emulator.branch("shop", name)
        emulator.branch("shop", "ci-pr-2", ttl="14400s")
        emulator.branch("shop", "ci-pr-3")  # by hand, without an expiry
        emulator.branch("shop", "qa-release-1")
        emulator.branch("shop", "dev-anna")
        emulator.branch("shop", "ci-pr-9", source_branch="projects/shop/branches/dev-anna", no_expiry=True)
        expire = lambda: sorted(name for name, b in place.branches().items() if "expire_time" in b)  # noqa: E731
        plan = sweep(place, plan=True)
        equal([{c["executed"] for c in plan["changes"]}, expire()], [{False}, ["ci-pr-2"]], "a plan gives no expiry either")
        first = sweep(place, check=3)
        contains(json.dumps([s for s in first["result"]["skipped"] if s["object"] == "shop/dev-anna"]), "BR-034", "has children")
        holds("expire_time" not in place.branches()["dev-anna"], "what has children is given no expiry")
        equal(counts(first)[:2], [0, 2], "nothing is over its time")
        equal(sorted(g["branch"] for g in first["result"]["given_an_expiry"]), ["ci-pr-3", "ci-pr-9", "qa-release-1"], "kinds that expire")
        for name in ("ci-pr-9", "dev-anna"):
            emulator.finish(emulator.postgres("DELETE", f"projects/shop/branches/{name}", purge="true"))
        holds("expire_time" in place.branches()["ci-pr-3"], "ci-pr-3 expires now")
        holds("expire_time" not in place.branches()["qa-release-1"], "a shared branch is for a person to decide on")

        emulator.finish(emulator.postgres("DELETE", "projects/shop/branches/ci-pr-2"))  # softly, and it may be wanted
        for name in ("feat-a", "ci-pr-1", "feat-b"):
            emulator.finish(emulator.postgres("POST", "projects/shop/branches", {"spec": {"ttl": "2s"}}, branch_id=name))
        until(lambda: all(place.branches()[name]["current_state"] == "DELETED" for name in ("feat-a", "ci-pr-1", "feat-b")))
        equal(len(place.branches()), 10, "what has expired still counts")
        done = sweep(place, check=3, most=2)
        equal(counts(done)[0], 2, "as many as one run may")
        sweep(place, check=3)
        equal(sorted(place.branches()), ["ci-pr-2", "ci-pr-3", "development", "production", "qa-release-1",
                                         "somebodys-own", "staging"], "branches")
        third = sweep(place, check=3)
        equal([c["statement"].split()[0] for c in third["changes"]], ["PATCH"], "what waits, still waits")
        contains(json.dumps(third["result"]["skipped"]), "BR-020", "somebodys-own")

        waiting = [a for a in place.approvals() if a["status"] == "pending"]
        equal(len(waiting), 1, "approvals")
        place.approve(waiting[0]["id"])
        holds("expire_time" in place.branches()["qa-release-1"], "as was approved")
        last = sweep(place)
        equal([last["status"], last["changes"]], ["ok", []], "nothing is left to do")


def a_sweep_that_is_killed_is_finished_by_the_next():
    with Workspace() as place:
        emulator = place.emulator
        place.project()
        for number in (1, 2):
            emulator.finish(emulator.postgres("POST", "projects/shop/branches", {"spec": {"ttl": "2s"}}, branch_id=f"ci-pr-{number}"))
        until(lambda: all(place.branches()[f"ci-pr-{n}"]["current_state"] == "DELETED" for n in (1, 2)))
        emulator.set(operation_s=3)
        begun = lambda: emulator.control("GET", "requests", query={"method": "DELETE"})["requests"]  # noqa: E731
        place.killed(begun, "run", "enforce_ttl_policies")
        emulator.set(operation_s=0)
        sweep(place)
        equal([sorted(place.branches()), sweep(place)["changes"]], [["production"], []], "the next run, and no more")


def an_unknown_project_is_an_error():
    with Workspace() as place:
        equal(sweep(place)["result"]["total_active"], 0, "an empty workspace")
        contains(sweep(place, check=1, project_id="nowhere")["error"]["message"], "there is no project nowhere")
        contains(sweep(place, check=1, policy="/nowhere.json")["error"]["message"], "/nowhere.json")


suite(*each_version(with_somebody_connected), in_a_workspace,
      a_sweep_that_is_killed_is_finished_by_the_next, an_unknown_project_is_an_error, at_once=2)
