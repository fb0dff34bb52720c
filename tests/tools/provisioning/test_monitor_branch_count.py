"""monitor_branch_count counts as the platform does, and says which branches are there without a reason."""

from place import VERSIONS, Local, Workspace, contains, each_version, equal, holds, suite
from planted import answer


def count(place, check=0, **params):
    return place.run("monitor_branch_count", branch="", check=check, **params)


def kinds(document):
    return sorted((f["object"], f["kind"]) for f in document["result"].get("findings", []))


def on_a_local_lakebase(version):
    with Local(version) as place:
        place.run("create_branch", branch="", branch_name="staging")
        place.cli("target", "create", "mine", "--keep", check=0)
        quiet = count(place)
        equal([quiet["changes"], count(place)["changes"]], [[], []], "it only looks")
        equal(quiet["result"]["alert_triggered"], False, "three of ten")
        equal(kinds(quiet), [("shop/mine", "unknown_branch")], "findings")
        equal(quiet["result"]["projects"][0], {"project_id": "shop", "branch_count": 3, "total": 3, "max_limit": 10,
                                               "utilization": 0.3, "level": "normal"}, "the count")
        loud = count(place, max_limit=3)
        equal(loud["result"]["projects"][0]["level"], "critical", "three of three")
        equal([e["payload"]["level"] for e in loud["events"]], ["critical"], "events")
        rows = place.waiting("lakebase_metrics")
        equal([(r["project_id"], r["metric_name"], r["metric_value"], r["threshold_level"]) for r in rows],
              [("shop", "branch_count", 3, level) for level in ("normal", "normal", "critical")], "history")


def in_a_workspace():
    with Workspace() as place:
        emulator = place.emulator
        equal(count(place)["result"]["examined"], {"projects": 0}, "an empty workspace")
        emulator.project("shop")
        emulator.project("bank")
        emulator.branch("shop", "staging")
        emulator.branch("shop", "development", ttl="14400s")
        for number in range(1, 6):
            emulator.branch("shop", f"ci-pr-{number}", **({"ttl": "3600s"} if number > 1 else {}))
        emulator.finish(emulator.postgres("DELETE", "projects/shop/branches/ci-pr-5"))
        document = count(place)
        levels = {p["project_id"]: (p["branch_count"], p["level"]) for p in document["result"]["projects"]}
        equal(levels, {"shop": (8, "warning"), "bank": (1, "normal")}, "what was deleted softly counts")
        equal(kinds(document), [("shop", "branch_limit_near"), ("shop/ci-pr-1", "never_expires"),
                                ("shop/development", "expires_though_it_stays")], "findings")
        equal(document["changes"], [], "it only looks")
        contains(count(place, check=1, project_id="nowhere")["error"]["message"], "there is no project nowhere")


HISTORY = '[services.delta]\nplugin = "delta_local"\nflush_interval_s = 3600\n'


def a_life_that_the_policy_does_not_allow():
    with Workspace() as place:
        place.emulator.project("shop")
        place.emulator.branch("shop", "staging")
        place.emulator.branch("shop", "ci-pr-1", ttl="172800s")
        place.emulator.branch("shop", "ci-pr-2", ttl="86400s")
        found = count(place)["result"]["findings"]
        equal([(f["object"], f["kind"], f["evidence"]["rule"]) for f in found], [("shop/ci-pr-1", "lives_too_long", "BR-030")],
              "a day is the most that a kind of four hours may ask for")
        contains(found[0]["reason"], "BR-030", "24h", "BR-005")


def what_nobody_wrote_down():
    """Made and deleted by hand, or by a run that was cut off: history learns of it, once, and when it was."""
    with Local(VERSIONS[-1], targets=(("production", "throwaway"), ("*", "throwaway")), more=HISTORY) as place:
        def written(**params):
            result = count(place, **params)["result"]
            return result["written_down_as_made"], result["written_down_as_gone"]

        def told(branch):
            return [(r["event_type"], "did not write it down" in (r["reason"] or "")) for r in answer(
                place, f"SELECT * FROM branch_lifecycle WHERE branch_id = '{branch}' ORDER BY event_timestamp")]

        def elsewhere(*words):
            """By somebody else's tool: what ours wrote down of it is taken away."""
            rows = place.state / "outbox" / "branch_lifecycle"
            before = set(rows.glob("*"))
            place.cli("target", *words, check=0)
            ours = set(rows.glob("*")) - before
            holds(len(ours) == 1, f"ours write it down: {ours}")
            ours.pop().unlink()

        place.run("create_branch", branch="", branch_name="staging")
        elsewhere("create", "dev-anna", "--ttl", "1h")
        equal(written(), (0, 0), "what is young may be on its way")
        equal(written(settle_s=0), (1, 0), "the one that was made by hand")
        equal(written(settle_s=0), (0, 0), "once")
        equal([told("staging"), told("dev-anna")], [[("created", False)], [("created", True)]], "history")
        made = place.branches()["dev-anna"]
        row = answer(place, "SELECT * FROM branch_lifecycle WHERE branch_id = 'dev-anna'")[0]
        equal([row["source_branch"], row["branch_kind"], row["ttl_seconds"]], ["production", "dev", 3600], row)
        holds(row["branch_uid"] and made, row)
        elsewhere("delete", "dev-anna")
        equal(written(), (0, 0), "gone, and that too may be on its way")
        equal(written(settle_s=0), (0, 1), "gone by hand")
        equal(written(settle_s=0), (0, 0), "once")
        equal(told("dev-anna"), [("created", True), ("deleted", True)], "history")
        elsewhere("create", "dev-anna", "--ttl", "1h")
        equal(written(settle_s=0), (1, 0), "another of that name")
        place.cli("target", "delete", "dev-anna", check=0)
        equal(written(settle_s=0), (0, 0), "what lbops target does is written down")


suite(*each_version(on_a_local_lakebase), in_a_workspace, a_life_that_the_policy_does_not_allow, what_nobody_wrote_down, at_once=2)
