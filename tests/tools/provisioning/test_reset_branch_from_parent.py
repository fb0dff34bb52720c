"""reset_branch_from_parent: the data of the source again, decided by a person unless it is routine, and never half."""

import json

from place import Local, Workspace, contains, each_version, equal, holds, suite

ROUTINE = '[[routine]]\nwhat = "reset"\nbranch = "staging"\nreason = "each night"\n'


def reset(place, check=0, **params):
    return place.run("reset_branch_from_parent", branch="", check=check, **params)


def tables(place, branch):
    return place.sql("SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class WHERE relname IN ('old', 'new')",
                     branch=branch)


def on_a_local_lakebase(version):
    with Local(version) as place:
        contains(json.dumps(reset(place)["result"]["skipped"]), "shop/staging", "there is no branch staging")
        contains(reset(place, check=1, project_id="shop")["error"]["message"], "there is no branch staging")
        place.run("create_branch", branch="", branch_name="staging")
        place.sql("CREATE TABLE old (n int)", branch="staging")
        place.sql("CREATE TABLE new (n int)")
        before = place.branches()["staging"]

        plan = reset(place, plan=True)
        equal([(c["statement"].split()[0], c["executed"]) for c in plan["changes"]], [("DELETE", False), ("POST", False)], "a plan")
        equal([tables(place, "staging"), place.approvals()], ["old", []], "does nothing")
        asked = reset(place, check=3)
        equal([c["statement"].split()[0] for c in asked["changes"]], ["DELETE", "POST"], "one decision about both")
        equal(tables(place, "staging"), "old", "nothing was done")
        place.write(ROUTINE)
        place.sql("SELECT count(*) AS last_words FROM old", branch="staging")
        done = reset(place)
        texts = {r["queryid"]: r["query"] for r in place.waiting("query_texts") if r["branch_id"] == "staging"}
        kept = [r["calls"] for r in place.waiting("pg_stat_history") if "last_words" in texts.get(r["queryid"], "")]
        equal(kept, [1], "what the server had counted until it went")
        equal(done["result"]["branches"][0]["reset"], True, "it is routine")
        equal([(e["type"], e["payload"]["branch_id"]) for e in done["events"]], [("branch.reset", "staging")], "events")
        equal(tables(place, "staging"), "new", "it holds its source's data")
        equal([place.branches()["staging"][k] for k in ("source", "expire_time")], [before["source"], None], "the rest")

        place.sql("CREATE TABLE old (n int)", branch="staging")
        somebody = place.session("staging")
        somebody.stdin.write("SELECT 'here';\n")
        equal(somebody.stdout.readline().strip(), "here", "somebody is connected")
        reset(place, check=3)
        equal(tables(place, "staging"), "new old", "a person decides, though it is routine")
        somebody.stdin.close()
        somebody.wait()
        waiting = [a["id"] for a in place.approvals() if a["status"] == "pending"]
        place.approve(waiting[-1])
        equal(tables(place, "staging"), "new", "as was approved")
        rows = [(r["branch_id"], r["source_branch"], r["branch_kind"]) for r in place.waiting("branch_lifecycle")
                if r["event_type"] == "reset"]
        equal(rows, [("staging", "production", rows[0][2])] * 2, "what a person approved is history too")

        place.run("create_branch", branch="", branch_name="ci-pr-1")
        contains(reset(place, check=1, project_id="shop")["error"]["message"], "BR-052", "1 branch")
        for branch, rule, way_out in (("production", "BR-051", "make another branch"), ("whatever", "BR-020", "name it as production ")):
            error = reset(place, check=1, project_id="shop", branch_id=branch)["error"]
            contains(error["message"] + error["hint"], rule, way_out)
        place.run("create_branch", branch="", branch_name="audit-2026-02-28")
        contains(reset(place, check=1, project_id="shop", branch_id="audit-2026-02-28")["error"]["message"], "BR-054")
        equal(tables(place, "staging"), "new", "in the end")


def in_a_workspace():
    with Workspace(more=ROUTINE) as place:
        emulator = place.emulator
        primary = "projects/shop/branches/staging/endpoints/primary"
        place.project()
        emulator.project("bank")
        emulator.branch("shop", "staging")
        emulator.finish(emulator.postgres(
            "PATCH", primary, {"spec": {"endpoint_type": "ENDPOINT_TYPE_READ_WRITE", "autoscaling_limit_min_cu": 2,
                                        "autoscaling_limit_max_cu": 4}},
            update_mask="spec.autoscaling_limit_min_cu,spec.autoscaling_limit_max_cu"))
        emulator.settled(primary)
        before = place.branches()["staging"]
        plan = reset(place, plan=True)
        equal([{c["executed"] for c in plan["changes"]}, place.branches()["staging"]["uid"]], [{False}, before["uid"]], "a plan does nothing")
        # A compute of another size than the project's default is a change of settings, which a shared branch asks about.
        done = reset(place, check=3)
        after = place.branches()["staging"]
        holds(after["uid"] != before["uid"], "it is another branch")
        equal([after["source_branch"], after["current_state"]], ["projects/shop/branches/production", "READY"], "the branch")
        place.approve(place.approvals()[0]["id"])
        equal(emulator.postgres("GET", primary).json["status"]["autoscaling_limit_max_cu"], 4, "its compute")
        contains(json.dumps(done["result"]["skipped"]), "bank/staging")
        equal([r["branch_uid"] for r in place.waiting("branch_lifecycle")], [after["uid"]], "history")


def what_a_person_approves_keeps_the_compute():
    with Workspace() as place:
        emulator = place.emulator
        primary = "projects/shop/branches/staging/endpoints/primary"
        place.project()
        emulator.branch("shop", "staging")

        def compute():
            status = emulator.postgres("GET", primary).json["status"]
            return [status[k] for k in ("autoscaling_limit_min_cu", "autoscaling_limit_max_cu", "suspend_timeout_duration")]

        def approved():
            before = place.branches()["staging"]["uid"]
            asked = reset(place, check=3, project_id="shop")
            equal(place.branches()["staging"]["uid"], before, "nothing was done")
            place.approve(next(a["id"] for a in place.approvals() if a["status"] == "pending"))
            holds(place.branches()["staging"]["uid"] != before, "it is another branch")
            return [c["statement"].split()[0] for c in asked["changes"]]

        equal(approved(), ["DELETE", "POST"], "what the project gives by itself is no question")
        emulator.settled(primary)
        emulator.finish(emulator.postgres(
            "PATCH", primary, {"spec": {"endpoint_type": "ENDPOINT_TYPE_READ_WRITE", "autoscaling_limit_min_cu": 2,
                                        "autoscaling_limit_max_cu": 4, "suspend_timeout_duration": "900s"}},
            update_mask="spec.autoscaling_limit_min_cu,spec.autoscaling_limit_max_cu,spec.suspension"))
        emulator.settled(primary)
        equal(approved(), ["DELETE", "POST", "PATCH"], "one decision about all of it")
        emulator.settled(primary)
        equal(compute(), [2, 4, "900s"], "the new one has the compute that the old one had")


def what_refuses_the_compute_its_settings_is_history():
    """The branch stands anew and nothing is lost: what is missing is told, and given by the next run."""
    asked_kind, routine_kind = "staging", "ci-pr-1"
    with Workspace() as place:
        emulator = place.emulator
        place.project()
        emulator.branch("shop", asked_kind)
        emulator.branch("shop", routine_kind, ttl="14400s")

        def primary(branch):
            return f"projects/shop/branches/{branch}/endpoints/primary"

        def most_cu(branch):
            return emulator.postgres("GET", primary(branch)).json["status"]["autoscaling_limit_max_cu"]

        def enlarge(branch):
            emulator.settled(primary(branch))
            emulator.finish(emulator.postgres(
                "PATCH", primary(branch), {"spec": {"endpoint_type": "ENDPOINT_TYPE_READ_WRITE", "autoscaling_limit_min_cu": 2,
                                                    "autoscaling_limit_max_cu": 4}},
                update_mask="spec.autoscaling_limit_min_cu,spec.autoscaling_limit_max_cu"))
            emulator.settled(primary(branch))

        def refuse_once():
            emulator.fault("status", "/endpoints/primary", "PATCH", status=400, error_code="INVALID_PARAMETER_VALUE",
                           message="no such size today", count=1)

        def rows(branch):
            return [r for r in place.waiting("branch_lifecycle") if r["event_type"] == "reset" and r["branch_id"] == branch]

        def settings(branch):
            return [json.loads(r["detail"])["settings"].split(":")[0] if isinstance(r["detail"], str) else
                    r["detail"]["settings"].split(":")[0] for r in rows(branch)]

        def pending():
            return next(a["id"] for a in place.approvals() if a["status"] == "pending")

        def is_left(branch):
            return (place.state / "resets" / f"shop.{branch}.json").exists()

        def verbs(run):
            return [c["statement"].split()[0] for c in run["changes"]]

        def is_told(error, branch, before):
            contains(error["message"], "made anew", "not given", "no such size today")
            contains(error["hint"], "reset_branch_from_parent again")
            holds(place.branches()[branch]["uid"] != before, "the branch stands anew")
            holds(most_cu(branch) != 4, "with the compute that the project gives")
            equal(settings(branch), ["not given"], "history has it, and how far it came")
            contains(json.dumps(rows(branch)[0]["detail"]), "no such size today", "reset_branch_from_parent")
            equal(is_left(branch), True, "what is missing is remembered")

        enlarge(asked_kind)
        before = place.branches()[asked_kind]["uid"]
        equal(verbs(reset(place, check=3, project_id="shop")), ["DELETE", "POST", "PATCH"], "a person decides")
        refuse_once()
        failed = json.loads(place.approve(pending(), check=1).stdout)
        is_told(failed["error"], asked_kind, before)
        made = place.branches()[asked_kind]["uid"]
        emulator.settled(primary(asked_kind))
        again = reset(place, check=3, project_id="shop")
        equal([verbs(again), again["events"], settings(asked_kind)], [["PATCH"], [], ["not given"]], "what is missing, and a person decides")
        place.approve(pending())
        equal([place.branches()[asked_kind]["uid"], most_cu(asked_kind)], [made, 4], "its compute, and the branch is the same")
        equal([settings(asked_kind), is_left(asked_kind)], [["not given", "given"], False], "nothing is left of it")

        enlarge(routine_kind)
        before = place.branches()[routine_kind]["uid"]
        refuse_once()
        failed = reset(place, check=1, project_id="shop", branch_id=routine_kind)
        is_told(failed["error"], routine_kind, before)
        equal([e["type"] for e in failed["events"]], ["branch.reset"], "it is heard of")
        emulator.settled(primary(routine_kind))
        again = reset(place, project_id="shop", branch_id=routine_kind)
        equal([verbs(again), again["events"], most_cu(routine_kind)], [["PATCH"], [], 4], "and not twice")
        equal([settings(routine_kind), is_left(routine_kind)], [["not given", "given"], False], "its end")


def a_reset_that_is_killed_is_finished_by_the_next():
    with Workspace(more=ROUTINE) as place:
        emulator = place.emulator
        place.project()
        emulator.branch("shop", "staging")
        emulator.fault("hang", "/branches$", "POST", seconds=300)
        place.killed(lambda: "staging" not in place.branches(), "run", "reset_branch_from_parent", "--project_id", "shop")
        emulator.control("DELETE", "faults")
        done = reset(place, project_id="shop")
        equal(done["result"]["branches"][0]["reset"], True, "it goes on from there")
        equal([c["statement"].split()[0] for c in done["changes"] if c["executed"]][0], "POST", "with what was missing")
        equal(place.branches()["staging"]["current_state"], "READY", "the branch")


def what_died_before_the_compute_was_set_is_finished():
    with Workspace() as place:
        emulator, branch = place.emulator, "ci-pr-1"
        primary = f"projects/shop/branches/{branch}/endpoints/primary"
        place.project()
        emulator.branch("shop", branch, ttl="14400s")
        emulator.finish(emulator.postgres(
            "PATCH", primary, {"spec": {"endpoint_type": "ENDPOINT_TYPE_READ_WRITE", "autoscaling_limit_min_cu": 2,
                                        "autoscaling_limit_max_cu": 4}},
            update_mask="spec.autoscaling_limit_min_cu,spec.autoscaling_limit_max_cu"))
        emulator.settled(primary)
        left = place.state / "resets" / f"shop.{branch}.json"

        def uid():
            return place.branches().get(branch, {}).get("uid")

        def most_cu():
            return emulator.postgres("GET", primary).json["status"]["autoscaling_limit_max_cu"]

        def verbs(run):
            return [c["statement"].split()[0] for c in run["changes"] if c["executed"]]

        def kill_one():
            before = uid()
            emulator.fault("hang", "/endpoints/primary", "PATCH", seconds=300)
            place.killed(lambda: uid() not in (before, None), "run", "reset_branch_from_parent", "--project_id", "shop",
                         "--branch_id", branch)
            emulator.control("DELETE", "faults")
            emulator.settled(primary)
            holds(most_cu() != 4, "the new one has the compute that the project gives")
            return uid()

        again = kill_one()
        listed = json.loads(place.cli("--json", "target", "ls", check=0).stdout)["result"]["unfinished"]
        equal([i["name"] for i in listed], [f"projects/shop/branches/{branch}"], "a listing has it")
        contains(listed[0]["reason"], "the compute that it had")
        plan = reset(place, plan=True, project_id="shop", branch_id=branch)
        equal([[c["statement"].split()[0] for c in plan["changes"]], left.exists()], [["PATCH"], True], "a plan forgets nothing")
        done = reset(place, project_id="shop", branch_id=branch)
        equal([verbs(done), uid(), most_cu()], [["PATCH"], again, 4], "it is not reset twice, and has its compute")
        equal([e["type"] for e in done["events"]], ["branch.reset"], "which is heard of")
        equal([r["branch_uid"] for r in place.waiting("branch_lifecycle") if r["event_type"] == "reset"], [again], "once")
        holds(not left.exists(), "nothing is left of it")

        other = kill_one()
        wish = json.loads(left.read_text())
        left.write_text(json.dumps({**wish, "at": wish["at"] - 7200 * 1000000}))
        done = reset(place, project_id="shop", branch_id=branch)
        equal(verbs(done), ["PATCH", "DELETE", "POST", "PATCH"], "one of another day is finished, and then it is reset")
        holds(uid() != other, "it has the data of today")
        equal([most_cu(), left.exists()], [4, False], "and its compute")


def what_was_deleted_softly_is_not_reset():
    with Workspace(more=ROUTINE) as place:
        place.project()
        place.emulator.branch("shop", "dev-anna")
        place.emulator.finish(place.emulator.postgres("DELETE", "projects/shop/branches/dev-anna"))
        error = reset(place, check=1, project_id="shop", branch_id="dev-anna")["error"]
        equal(error["code"], "conflict", "code")
        contains(error["message"], "BR-055", "shop/dev-anna was deleted softly")
        equal(place.branches()["dev-anna"]["current_state"], "DELETED", "it is as it was")


suite(*each_version(on_a_local_lakebase), in_a_workspace, what_a_person_approves_keeps_the_compute,
      what_refuses_the_compute_its_settings_is_history, a_reset_that_is_killed_is_finished_by_the_next,
      what_died_before_the_compute_was_set_is_finished, what_was_deleted_softly_is_not_reset, at_once=2)
