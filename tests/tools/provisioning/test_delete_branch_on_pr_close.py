"""delete_branch_on_pr_close: the branch goes whole, once, unless somebody is on it."""

import json

from place import Local, Workspace, contains, each_version, equal, suite

TARGETS = (("*", "shared"), ("production", "production"), ("ci-*", "throwaway"))


def closed(place, number, check=0, **params):
    return place.run("delete_branch_on_pr_close", branch="", check=check, pr_number=number, **params)


def on_a_local_lakebase(version):
    with Local(version, targets=TARGETS) as place:
        place.run("create_branch_on_pr", branch="", pr_number=5, source_branch="production")
        plan = closed(place, 5, plan=True)
        equal([(c["executed"], c["effect"]) for c in plan["changes"]], [(False, "destructive")], "the plan")
        somebody = place.session("ci-pr-5")
        somebody.stdin.write("SELECT 'here';\n")
        equal(somebody.stdout.readline().strip(), "here", "somebody is connected")
        closed(place, 5, check=3)
        equal(sorted(place.branches()), ["ci-pr-5", "production"], "a person decides, on a throwaway branch too")
        contains(json.dumps(place.approvals()), "psql")
        somebody.stdin.close()
        somebody.wait()
        place.sql("SELECT count(*) AS last_words FROM pg_class", branch="ci-pr-5")
        done = closed(place, 5, action="merged")
        texts = {r["queryid"]: r["query"] for r in place.waiting("query_texts") if r["branch_id"] == "ci-pr-5"}
        kept = [r["calls"] for r in place.waiting("pg_stat_history") if "last_words" in texts.get(r["queryid"], "")]
        equal(kept, [1], "what the server had counted until it went")
        equal(done["result"]["deleted"], True, "closed")
        equal([(e["type"], e["payload"]["reason"]) for e in done["events"]],
              [("branch.deleted", "pull request 5 was merged")], "events")
        equal(sorted(place.branches()), ["production"], "branches")
        again = closed(place, 5)
        equal([again["result"]["was_gone"], again["changes"], again["events"]], [True, [], []], "the second run")
        equal(place.cli("run", "delete_branch_on_pr_close", "--pr_number", "production").returncode, 2, "no number")
        place.run("create_branch_on_pr", branch="", pr_number=6, source_branch="production")
        somebody = place.session("ci-pr-6")
        somebody.stdin.write("SELECT 'here';\n")
        equal(somebody.stdout.readline().strip(), "here", "somebody is connected")
        closed(place, 6, check=3)
        somebody.stdin.close()
        somebody.wait()
        history = lambda: [(r["branch_id"], r["reason"]) for r in place.waiting("branch_lifecycle")  # noqa: E731
                           if r["event_type"] == "deleted"]
        equal(history(), [("ci-pr-5", "pull request 5 was merged")], "what waits is no history yet")
        place.approve([a["id"] for a in place.approvals() if a["status"] == "pending" and "ci-pr-6" in json.dumps(a)][-1])
        equal(sorted(place.branches()), ["production"], "as was approved")
        equal(sorted(history())[1:], [("ci-pr-6", "pull request 6 was closed")], "what a person approved is history too")


def in_a_workspace():
    with Workspace() as place:
        emulator = place.emulator
        place.project()
        for number in (1, 2, 3):
            place.run("create_branch_on_pr", branch="", pr_number=number, source_branch="production")
        closed(place, 1)
        equal(sorted(place.branches()), ["ci-pr-2", "ci-pr-3", "production"], "it is purged")
        again = closed(place, 1)
        equal([again["result"]["was_gone"], again["changes"]], [True, []], "the second run")
        emulator.finish(emulator.postgres("DELETE", "projects/shop/branches/ci-pr-2"))
        equal(closed(place, 2)["result"]["deleted"], True, "what was deleted softly is purged")
        emulator.finish(emulator.postgres("PATCH", "projects/shop/branches/ci-pr-3", {"spec": {"no_expiry": True}},
                                          update_mask="spec.expiration"))
        emulator.branch("shop", "child", source_branch="projects/shop/branches/ci-pr-3", no_expiry=True)
        contains(closed(place, 3, check=1)["error"]["message"], "BR-052")
        emulator.finish(emulator.postgres("DELETE", "projects/shop/branches/child", purge="true"))
        emulator.finish(emulator.postgres("PATCH", "projects/shop/branches/ci-pr-3", {"spec": {"is_protected": True}},
                                          update_mask="spec.is_protected"))
        contains(closed(place, 3, check=1)["error"]["message"], "BR-051", "protected by the platform")
        guarded = place.dir / "policy.json"
        guarded.write_text(json.dumps({"kinds": [
            {"id": "X-1", "kind": "production", "patterns": ["production"], "ttl": "never"},
            {"id": "X-2", "kind": "ci", "patterns": ["ci-pr-{number}"], "parents": ["production"], "ttl": "never", "protection": "policy"}]}))
        place.run("create_branch_on_pr", branch="", pr_number=8, source_branch="production")
        contains(closed(place, 8, check=1, policy=guarded)["error"]["message"], "BR-050", "X-2")
        equal(sorted(place.branches()), ["ci-pr-3", "ci-pr-8", "production"], "branches")


def readers_of_a_replica_are_people_too():
    """Nobody can look into a replica by way of the branch, so that one that is awake is for a person to decide on."""
    with Workspace() as place:
        emulator, replica = place.emulator, "projects/shop/branches/ci-pr-7/endpoints/readers"
        place.project()
        place.run("create_branch_on_pr", branch="", pr_number=7, source_branch="production")
        emulator.finish(emulator.postgres("POST", "projects/shop/branches/ci-pr-7/endpoints", {"spec": {
            "endpoint_type": "ENDPOINT_TYPE_READ_ONLY", "autoscaling_limit_min_cu": 0.5, "autoscaling_limit_max_cu": 1}},
            endpoint_id="readers"))
        emulator.settled(replica)
        asked = closed(place, 7, check=3)
        contains(json.dumps(asked["approvals"]) + json.dumps(place.approvals()), "BR-053", "nobody could look at the replica readers")
        equal(sorted(place.branches()), ["ci-pr-7", "production"], "it is still there")
        emulator.finish(emulator.postgres("DELETE", replica))
        equal(closed(place, 7)["result"]["deleted"], True, "without it")


def a_run_that_is_killed_is_finished_by_the_next():
    with Workspace() as place:
        place.project()
        place.run("create_branch_on_pr", branch="", pr_number=4, source_branch="production")
        place.emulator.set(operation_s=3)
        asked = lambda: place.emulator.control("GET", "requests", query={"method": "DELETE"})["requests"]  # noqa: E731
        place.killed(asked, "run", "delete_branch_on_pr_close", "--pr_number", "4")
        closed(place, 4)
        equal(sorted(place.branches()), ["production"], "branches")


suite(*each_version(on_a_local_lakebase), in_a_workspace,
      readers_of_a_replica_are_people_too, a_run_that_is_killed_is_finished_by_the_next, at_once=2)
