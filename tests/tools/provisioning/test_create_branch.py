"""create_branch makes what the policy allows, once, and refuses the rest before anything is done."""

import datetime
import json
import re

from place import VERSIONS, Local, Workspace, contains, each_version, equal, holds, suite


def refused(place, rule, check=1, **params):
    error = place.run("create_branch", branch="", check=check, **params)["error"]
    contains(error["message"], rule)
    holds(error["code"] in ("invalid", "conflict", "not_found", "limit", "io"), f"{rule} has the code of another thing: {error}")
    holds(error["hint"], f"{rule} names no way out: {error}")
    return error


def made(place, **params):
    document = place.run("create_branch", branch="", **params)
    equal(document["status"], "ok", json.dumps(document["error"]))
    return document


def a_proposal_is_the_same_one_tomorrow():
    """Nobody is asked anew about a branch that is still not there."""
    with Local(VERSIONS[-1], more='[[gate]]\ntool = "create_branch"\neffect = "additive"\ndecision = "ask"\n') as place:
        waits = []
        for _ in range(2):
            place.run("create_branch", branch="", check=3, branch_name="staging")
            pending = [a for a in place.approvals() if a["status"] == "pending"]
            equal(len(pending), len(place.approvals()), "none is out of date")
            waits.append([(a["id"], a["hash"]) for a in pending])
        equal(len(waits[0]), 1, "one request")
        equal(waits[1], waits[0], "the same one")


# An extension that the tests' servers lack, as far as the catalogue knows of it.
CRON = """CREATE SCHEMA cron; CREATE TABLE cron.job (jobid bigint, schedule text, command text, active boolean);
INSERT INTO cron.job VALUES (1, '* * * * *', 'CALL bill()', true), (2, '* * * * *', 'CALL rest()', false);
SET allow_system_table_mods = on;
INSERT INTO pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion)
VALUES (99999, 'pg_cron', 10, 'cron'::regnamespace, false, '1.6');"""


def outside(done):
    return sorted((f["kind"], f["object"]) for f in done["result"].get("findings", []))


def what_leads_outside_is_told(version):
    with Local(version) as place:
        equal(outside(made(place, branch_name="staging")), [], "nothing does")
        place.sql("CREATE FOREIGN DATA WRAPPER plain; CREATE SERVER ledger FOREIGN DATA WRAPPER plain; "
                  "CREATE SERVER idle FOREIGN DATA WRAPPER plain; CREATE FOREIGN TABLE booked (n int) SERVER ledger; "
                  "CREATE SUBSCRIPTION feed CONNECTION 'host=127.0.0.1 port=1' PUBLICATION all_of_it WITH (connect = false, slot_name = 'feed'); "
                  "ALTER SUBSCRIPTION feed ENABLE; "
                  "CREATE SUBSCRIPTION rests CONNECTION 'host=127.0.0.1 port=1' PUBLICATION all_of_it WITH (connect = false, slot_name = 'rests')")
        place.sql(CRON)
        done = made(place, branch_name="hotfix-a")
        equal(outside(done), [("outside_cron_job", "1"), ("outside_foreign_server", "ledger"), ("outside_subscription", "feed")],
              "what the branch goes on doing")
        details = {f["object"]: f["evidence"] for f in done["result"]["findings"]}
        contains(json.dumps(details), "* * * * *", "1 foreign table(s)", "publications all_of_it", "shop/hotfix-a")
        holds("bill()" not in json.dumps(done), "what a job executes may hold a password")
        equal(outside(made(place, branch_name="hotfix-a")), [], "of a branch that was there it has been told")


def it_makes_a_branch_once(version):
    with Local(version) as place:
        first = made(place, branch_name="staging")
        equal([first["result"][k] for k in ("created", "rule", "source_branch", "ttl_seconds")],
              [True, "BR-002", "production", 0], "the first run")
        holds(first["result"]["host"], "it has a host")
        equal([e["type"] for e in first["events"]], ["branch.created"], "events")
        place.sql("CREATE TABLE t (n int)", branch="staging")
        again = made(place, branch_name="staging")
        equal([again["result"]["created"], again["result"]["reused"], again["changes"], again["events"]],
              [False, True, [], []], "the second run")
        equal(again["result"]["uid"], first["result"]["uid"], "the branch is the same")
        equal(place.sql("SELECT count(*) FROM t", branch="staging"), "0", "its table is still there")

        made(place, branch_name="ci-pr-7", creator_type="ci", reason="a test")
        there = place.branches()
        equal([there["ci-pr-7"]["source"], there["staging"]["source"], there["staging"]["expire_time"]],
              ["staging", "production", None], "the tree")
        holds(there["ci-pr-7"]["expire_time"], "a ci branch expires")
        rows = {r["branch_id"]: r for r in place.waiting("branch_lifecycle")}
        equal(sorted(rows), ["ci-pr-7", "staging"], "history")
        equal([rows["ci-pr-7"][k] for k in ("project_id", "event_type", "branch_kind", "ttl_seconds", "creator_type",
                                            "reason", "source_branch")],
              ["shop", "created", "ci", 14400, "ci", "a test", "staging"], "a row")


def it_refuses_by_rule(version):
    with Local(version) as place:
        refused(place, "BR-020", branch_name="whatever")
        refused(place, "BR-021", branch_name="No-Name")
        refused(place, "BR-022", branch_name="ci-pr-x")
        refused(place, "BR-023", branch_name="ci-pr-1", branch_type="feat")
        refused(place, "BR-024", branch_name="production")
        refused(place, "BR-030", branch_name="hotfix-1", ttl="9d")
        refused(place, "BR-031", branch_name="staging", ttl="7d")
        refused(place, "BR-032", branch_name="hotfix-1", ttl="never")
        refused(place, "BR-035", branch_name="hotfix-1", source_branch="staging")
        refused(place, "BR-037: there is no branch development", branch_name="feat-x", source_branch="development")
        refused(place, "BR-037: there is no branch development", branch_name="ai-agent-x")
        refused(place, "there is no project nowhere", branch_name="hotfix-1", project_id="nowhere")
        refused(place, "BR-036", branch_name="hotfix-1", ttl="soon")
        refused(place, "/nowhere.json", branch_name="hotfix-1", policy="/nowhere.json")
        broken = place.dir / "policy.json"
        broken.write_text('{"kinds": []}')
        refused(place, "branch policy", branch_name="hotfix-1", policy=broken)
        equal(sorted(place.branches()), ["production"], "branches")
        equal(place.waiting("branch_lifecycle"), [], "history")
        made(place, branch_name="staging")
        place.cli("target", "create", "development", "--ttl", "2h", check=0)
        refused(place, "BR-033", branch_name="feat-x")


def without_a_wish_it_takes_the_first_source_that_is_there():
    with Workspace() as place:
        place.project()
        sources = [made(place, branch_name="feat-a")["result"]["source_branch"]]
        made(place, branch_name="staging")
        sources += [made(place, branch_name=n)["result"]["source_branch"] for n in ("feat-b", "ai-agent-b")]
        made(place, branch_name="development")
        sources += [made(place, branch_name=n)["result"]["source_branch"] for n in ("feat-c", "ai-agent-c", "ci-pr-1")]
        # Deleted softly, it is no source.
        place.emulator.finish(place.emulator.postgres("DELETE", "projects/shop/branches/feat-c"))
        place.emulator.finish(place.emulator.postgres("DELETE", "projects/shop/branches/ai-agent-c"))
        place.emulator.finish(place.emulator.postgres("DELETE", "projects/shop/branches/development"))
        sources.append(made(place, branch_name="feat-d")["result"]["source_branch"])
        equal(sources, ["production", "staging", "staging", "development", "development", "staging", "staging"], "sources")
        there = {name: b["source_branch"].rsplit("/", 1)[1] for name, b in place.branches().items() if name in ("feat-a", "feat-b", "feat-d")}
        equal(there, {"feat-a": "production", "feat-b": "staging", "feat-d": "staging"}, "what the API has")


def stamp(moment):
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def when(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def a_life_asked_for_by_name_is_given(place, name, made_at):
    """It counts from when the branch was made; on the second time nothing is left to do."""
    ends = made_at + datetime.timedelta(hours=9)
    done = place.run("create_branch", branch="", check=None, branch_name=name, ttl="9h")
    equal(len(done["changes"]), 1, "one change")
    for approval in place.approvals():
        place.approve(approval["id"])
    again = made(place, branch_name=name, ttl="9h")
    equal([again["changes"], again["result"]["reused"], again["result"]["differs"]], [[], True, None], "the second run")
    holds(abs((when(place.branches()[name]["expire_time"]) - ends).total_seconds()) < 60, f"it lives until {ends}: {place.branches()[name]}")
    equal(abs(when(again["result"]["expires_at"]) - when(place.branches()[name]["expire_time"])) < datetime.timedelta(seconds=1), True, "as told")


def what_differs_of_the_one_that_is_there_is_told(version):
    with Local(version) as place:
        made(place, branch_name="staging")
        made(place, branch_name="hotfix-a")
        made_at = when(place.branches()["hotfix-a"]["expire_time"]) - datetime.timedelta(hours=24)
        equal(made(place, branch_name="hotfix-a", ttl="24h")["result"]["differs"], None, "that is its life")
        asked = place.run("create_branch", branch="", check=3, branch_name="hotfix-a", ttl="2h")
        lives, wanted = (when(t) for t in re.fullmatch("lives until (.*), not (.*)", asked["result"]["differs"]).groups())
        equal(round((lives - wanted).total_seconds() / 3600), 22, "what differs")
        plan = made(place, branch_name="hotfix-a", ttl="2h", plan=True)
        equal([c["executed"] for c in plan["changes"]], [False], "a plan changes nothing")
        equal(when(place.branches()["hotfix-a"]["expire_time"]), made_at + datetime.timedelta(hours=24), "a person decides when it goes")
        a_life_asked_for_by_name_is_given(place, "hotfix-a", made_at)
        past = stamp(made_at - datetime.timedelta(hours=1))
        told = made(place, branch_name="hotfix-a", at=past)
        contains(told["result"]["differs"], "as its source was at ", f"not {past}")
        equal([told["changes"], told["result"]["reused"]], [[], True], "that cannot be changed")


def a_life_that_cannot_be_given_is_refused():
    with Workspace(targets=(("*", "throwaway"),)) as place:
        place.project()
        emulator = place.emulator
        emulator.branch("shop", "dev-anna")
        emulator.branch("shop", "ci-pr-1", source_branch="projects/shop/branches/dev-anna", no_expiry=True)
        emulator.branch("shop", "dev-olga")
        emulator.branch("shop", "dev-mary")
        path = "projects/shop/branches/dev-mary"
        emulator.finish(emulator.postgres("PATCH", path, {"name": path, "spec": {"is_protected": True}}, update_mask="spec.is_protected"))
        for name, why in (("dev-anna", "a branch was made from it"), ("dev-mary", "protected by the platform")):
            for plan in (True, False):
                error = refused(place, "BR-034", branch_name=name, ttl="3d", plan=plan)
                equal(error["code"], "conflict", name)
                contains(error["message"], f"shop/{name}", why)
            contains(made(place, branch_name=name)["result"]["differs"], "never expires")
            holds("expire_time" not in place.branches()[name], f"{name} is as it was")
        made(place, branch_name="dev-olga", ttl="3d")
        holds("expire_time" in place.branches()["dev-olga"], "where it can be, it is given")


def what_differs_in_a_workspace_is_told():
    with Workspace(targets=(("*", "throwaway"),)) as place:
        place.project()
        made(place, branch_name="staging")
        made(place, branch_name="ci-pr-1")
        there = place.branches()["ci-pr-1"]
        a_life_asked_for_by_name_is_given(place, "ci-pr-1", when(there["create_time"]))
        equal(made(place, branch_name="ci-pr-1", at=there["source_branch_time"])["result"]["differs"], None, "its source was so then")
        past = stamp(when(there["create_time"]) - datetime.timedelta(minutes=5))
        contains(made(place, branch_name="ci-pr-1", at=past)["result"]["differs"], f"not {past}")
        made(place, branch_name="development")
        place.emulator.finish(place.emulator.postgres("PATCH", "projects/shop/branches/development", {"spec": {"ttl": "7200s"}}, update_mask="spec.ttl"))
        equal(made(place, branch_name="development")["result"]["differs"], "expires, and should stay", "without a wish it is told")
        stays = made(place, branch_name="development", ttl="never")
        equal([len(stays["changes"]), stays["result"]["differs"], "expire_time" in place.branches()["development"]], [1, None, False], "it stays again")


def an_eleventh_branch_is_refused(version):
    policy = {"limits": {"unarchived": 2},
              "kinds": [{"id": "X-1", "kind": "main", "patterns": ["production"], "ttl": "never"},
                        {"id": "X-2", "kind": "tmp", "patterns": ["tmp-{number}"], "parents": ["production"],
                         "ttl": "1h"}]}
    with Local(version) as place:
        file = place.dir / "policy.json"
        file.write_text(json.dumps(policy))
        made(place, branch_name="tmp-1", policy=file)
        refused(place, "BR-040", branch_name="tmp-2", policy=file)
        refused(place, "BR-020", branch_name="staging", policy=file)


def what_the_workspace_allows_is_less():
    """It refuses what our policy lets a branch live, and does not say how long one may."""
    with Workspace(targets=(("production", "production"), ("*", "throwaway")), longest_life_s=604800) as place:
        place.project()
        document = made(place, branch_name="qa-release-1-2", source_branch="production")
        equal(document["result"]["shortened"],
              [{"project_id": "shop", "branch": "qa-release-1-2", "asked_ttl_seconds": 1209600, "ttl_seconds": 604800,
                "reason": document["result"]["shortened"][0]["reason"]}], "it is said")
        equal([document["result"]["created"], document["result"]["ttl_seconds"]], [True, 604800], "what it has")
        equal([c["statement"].split()[0] for c in document["changes"]], ["POST", "POST"], "asked once more, and no more")
        there = place.branches()["qa-release-1-2"]
        equal(round((when(there["expire_time"]) - when(there["create_time"])).total_seconds() / 60), 7 * 24 * 60, "a week")
        equal([r["ttl_seconds"] for r in place.waiting("branch_lifecycle")], [604800], "history")
        again = made(place, branch_name="qa-release-1-2", source_branch="production")
        equal([again["changes"], again["result"]["reused"], again["result"]["differs"]], [[], True, None], "the second run")
        longer = made(place, branch_name="qa-release-1-2", source_branch="production", ttl="20d")
        equal([longer["result"]["shortened"][0]["asked_ttl_seconds"], place.branches()["qa-release-1-2"]["expire_time"]],
              [1728000, there["expire_time"]], "nor can it be given more later")
        equal("shortened" in made(place, branch_name="ci-pr-1", source_branch="production")["result"], False, "what fits is as asked")
        place.emulator.set(longest_life_s=3600)
        error = place.run("create_branch", branch="", check=1, branch_name="qa-release-1-3", source_branch="production")["error"]
        contains(error["message"], "BR-038", "shop/qa-release-1-3", "a life of 14d", "one of 7d", "spec.expiration")
        contains(error["hint"], "ttl", "limit")
        error = place.run("create_branch", branch="", check=1, branch_name="ci-pr-2", source_branch="production")["error"]
        contains(error["message"], "BR-038", "a life of 4h", "reaches back 7d", "spec.expiration")
        equal("qa-release-1-3" in place.branches(), False, "where that is too long as well, there is none")


def a_plan_makes_nothing(version):
    with Local(version) as place:
        plan = place.run("create_branch", branch="", plan=True, branch_name="staging")
        equal([(c["executed"], c["effect"]) for c in plan["changes"]], [(False, "additive")], "the plan")
        contains(plan["changes"][0]["statement"], "POST projects/shop/branches?branch_id=staging", "no_expiry")
        equal(sorted(place.branches()), ["production"], "branches")
        equal(place.waiting("branch_lifecycle"), [], "history")


def in_a_workspace():
    with Workspace() as place:
        place.project()
        made(place, branch_name="staging", project_id="shop")
        first = made(place, branch_name="ci-pr-1")
        there = place.branches()
        equal([there["ci-pr-1"]["source_branch"], there["ci-pr-1"]["current_state"]],
              ["projects/shop/branches/staging", "READY"], "what the API has")
        equal(made(place, branch_name="ci-pr-1")["changes"], [], "changes of the second run")
        equal(place.branches()["ci-pr-1"]["uid"], first["result"]["uid"], "the branch is the same")
        for number in range(2, 9):
            made(place, branch_name=f"ci-pr-{number}")
        equal(len(place.branches()), 10, "branches")
        refused(place, "BR-040", branch_name="ci-pr-9")
        # Deleted softly, it still counts and holds its name.
        place.emulator.finish(place.emulator.postgres("DELETE", "projects/shop/branches/ci-pr-8"))
        refused(place, "BR-040", branch_name="ci-pr-9")
        error = place.run("create_branch", branch="", check=1, branch_name="ci-pr-8")["error"]
        contains(error["message"], "BR-055", "deleted softly")
        again = made(place, branch_name="ci-pr-8", replace=True)
        equal([c["statement"].split(" ")[0] for c in again["changes"]], ["DELETE", "POST"], "changes")
        equal(place.branches()["ci-pr-8"]["current_state"], "READY", "it is there again")


def a_run_that_is_killed_is_finished_by_the_next():
    with Workspace() as place:
        place.project()
        place.emulator.set(operation_s=3)
        place.killed(lambda: "hotfix-1" in place.branches(), "run", "create_branch", "--branch_name", "hotfix-1")
        equal(place.branches()["hotfix-1"]["current_state"], "INIT", "it was begun")
        found = made(place, branch_name="hotfix-1")
        equal([found["result"]["reused"], found["result"]["state"]], [True, "READY"], "the next run")


suite(*each_version(it_makes_a_branch_once, what_differs_of_the_one_that_is_there_is_told, what_leads_outside_is_told, it_refuses_by_rule, an_eleventh_branch_is_refused, a_plan_makes_nothing),
      a_proposal_is_the_same_one_tomorrow, in_a_workspace, without_a_wish_it_takes_the_first_source_that_is_there, what_differs_in_a_workspace_is_told, what_the_workspace_allows_is_less, a_life_that_cannot_be_given_is_refused, a_run_that_is_killed_is_finished_by_the_next, at_once=2)
