"""enforce_ttl_policies: what is over its time goes, and nothing else; where somebody is connected a person decides."""

import datetime
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


DAY = datetime.timedelta(days=1)


def moment(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def aged(place, branch, days):
    """As if it had been made so long ago: the local plane's own note of it."""
    [path] = place.state.rglob("projects/shop.json")
    document = json.loads(path.read_text())
    for b in (entry["branch"] for entry in document["branches"]):
        if b["branch_id"] == branch:
            b["create_time"] = (moment(b["create_time"]) - days * DAY).strftime("%Y-%m-%dT%H:%M:%SZ")
            path.write_text(json.dumps(document))
            return
    raise AssertionError(f"no note of {branch}")


def expiry_in_days(place, branch):
    end = place.branches()[branch]["expire_time"]
    return end and (moment(end) - datetime.datetime.now(datetime.timezone.utc)) / DAY


def near(found, wanted, what):
    holds(found is not None and abs(found - wanted) < 0.1, f"{what}: ends in {found} days, not {wanted}")


def what_is_older_than_its_time_gets_it_from_now(version):
    with Local(version, targets=(("production", "production"), ("*", "throwaway"))) as place:
        for name in ("feat-old", "feat-older", "feat-young"):
            place.cli("target", "create", name, "--keep", check=0)
        aged(place, "feat-old", 10)
        aged(place, "feat-older", 28)
        done = sweep(place)
        equal([done["status"], counts(done)], ["ok", [0, 3, 0, 4]], "all are given an expiry, none goes")
        for name, days in (("feat-old", 7), ("feat-older", 2), ("feat-young", 7)):
            near(expiry_in_days(place, name), days, name)
        equal(sweep(place)["changes"], [], "the second run")


def what_would_live_too_long_lives_shorter(version):
    with Local(version, targets=(("production", "production"), ("*", "throwaway"))) as place:
        for name in ("ci-pr-7", "hotfix-1", "hotfix-2", "feat-x"):
            place.cli("target", "create", name, "--ttl", "29d", check=0)
        aged(place, "hotfix-1", 6.98)
        aged(place, "hotfix-2", 8)
        somebody = place.session("hotfix-1")
        somebody.stdin.write("SELECT 'here';\n")
        equal(somebody.stdout.readline().strip(), "here", "somebody is connected")
        done = sweep(place, check=3)
        equal(counts(done), [0, 1, 1, 5], "one is shortened, one waits, none goes")
        near(expiry_in_days(place, "ci-pr-7"), 1, "a day is the longest")
        near(expiry_in_days(place, "feat-x"), 29, "30 days are allowed")
        near(expiry_in_days(place, "hotfix-1"), 29, "somebody is connected and its end would be near")
        contains(json.dumps(place.approvals()), "BR-053", "BR-030", "shop/hotfix-1")
        contains(json.dumps([s for s in done["result"]["skipped"] if s["object"] == "shop/hotfix-2"]), "BR-030", "still ahead")
        somebody.stdin.close()
        somebody.wait()


def what_the_workspace_allows_is_less():
    """It refuses what our policy lets a branch live, and does not say how long one may."""
    with Workspace(targets=(("*", "throwaway"),), longest_life_s=604800) as place:
        emulator = place.emulator
        emulator.project("shop")
        emulator.branch("shop", "qa-release-1")
        done = sweep(place)
        equal([(s["branch"], round(s["asked_ttl_seconds"] / 86400), s["ttl_seconds"]) for s in done["result"]["shortened"]],
              [("qa-release-1", 14, 604800)], "it is said")
        near(expiry_in_days(place, "qa-release-1"), 7, "as long as it may live")
        equal(sweep(place)["changes"], [], "the second run")
        emulator.set(longest_life_s=3600)
        for name in ("qa-release-2", "ci-pr-1"):
            emulator.branch("shop", name)
        said = {s["object"]: s["reason"] for s in sweep(place, check=1)["result"]["skipped"]}
        contains(said["shop/qa-release-2"], "BR-038", "is refused a life of", "and one of 7d")
        contains(said["shop/ci-pr-1"], "BR-038", "is refused a life of", "reaches back 7d")


def one_that_fails_is_no_reason_to_leave_the_others():
    with Workspace(targets=(("*", "throwaway"),)) as place:
        emulator = place.emulator
        for project in ("gone", "shop"):
            emulator.project(project)
        for name in ("ci-pr-1", "ci-pr-2", "ci-pr-3"):
            emulator.branch("shop", name)
        emulator.fault("status", "projects/shop/branches/ci-pr-1$", method="PATCH", status=400, count=0,
                       error_code="INVALID_PARAMETER_VALUE")
        emulator.fault("status", "projects/gone/branches$", method="GET", status=404, count=0, error_code="NOT_FOUND")
        done = sweep(place, check=1)
        contains(done["error"]["message"], "2 branch(es) or project(s) could not be swept")
        equal(sorted(s["object"] for s in done["result"]["skipped"]), ["gone", "shop/ci-pr-1"], "what failed is told")
        equal(counts(done), [0, 2, 0, 4], "what was done is told too")
        holds(all("expire_time" in place.branches()[name] for name in ("ci-pr-2", "ci-pr-3")), "the others are swept")
        emulator.control("DELETE", "faults")
        equal(counts(sweep(place))[1], 1, "once that is mended")


def an_unknown_project_is_an_error():
    with Workspace() as place:
        equal(sweep(place)["result"]["total_active"], 0, "an empty workspace")
        contains(sweep(place, check=1, project_id="nowhere")["error"]["message"], "there is no project nowhere")
        contains(sweep(place, check=1, policy="/nowhere.json")["error"]["message"], "/nowhere.json")


suite(*each_version(with_somebody_connected, what_is_older_than_its_time_gets_it_from_now,
                    what_would_live_too_long_lives_shorter),
      in_a_workspace, what_the_workspace_allows_is_less, one_that_fails_is_no_reason_to_leave_the_others,
      a_sweep_that_is_killed_is_finished_by_the_next, an_unknown_project_is_an_error, at_once=2)
