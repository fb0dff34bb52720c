"""provision_lakebase_project: six layouts, what is there taken over, what is missing made, and never twice."""

import json

from place import Local, Workspace, contains, each_version, equal, holds, suite


def provision(place, check=0, **params):
    return place.run("provision_lakebase_project", branch="", check=check, **params)


def tree(place, project):
    return {name: b["source_branch"].rsplit("/", 1)[1] if "source_branch" in b else None
            for name, b in place.branches(project).items()}


def on_a_local_lakebase(version):
    with Local(version, project="shop-dev") as place:
        first = provision(place, domain="shop", environment="dev", branching_pattern="multi_tenant_schema",
                          tenants=["acme", "Odd \"Tenant\""])
        there = place.branches()
        equal({name: b["source"] for name, b in there.items()},
              {"production": None, "staging": "production", "development": "production"}, "side by side")
        equal([there[n]["protected"] for n in ("production", "staging")], [True, False], "the platform protects one")
        holds(all(b["expire_time"] is None for b in there.values()), "they stay")
        schemas = "SELECT string_agg(nspname, ',' ORDER BY nspname) FROM pg_namespace WHERE nspname ~ 'acme|Odd'"
        equal([place.sql(schemas, branch=b) for b in ("production", "staging")], ['Odd "Tenant",acme'] * 2, "schemas")
        equal([e["type"] for e in first["events"]],
              ["branch.protected", "branch.created", "branch.created", "provisioning.complete"], "events")
        equal(first["events"][-1]["payload"], {"project_id": "shop-dev", "branches": ["production", "staging", "development"]},
              "what there is now")
        again = provision(place, domain="shop", environment="dev", branching_pattern="multi_tenant_schema",
                          tenants=["acme", "Odd \"Tenant\""])
        equal([again["changes"], again["events"]], [[], []], "the second run")
        equal(sorted((r["branch_id"], r["event_type"]) for r in place.waiting("branch_lifecycle")),
              [("development", "created"), ("production", "protected"), ("staging", "created")], "history")
        many = {"domain": "shop", "environment": "dev", "branching_pattern": "multi_tenant_schema",
                "tenants": [f"many{n}" for n in range(150)]}
        count = "SELECT count(*) FROM pg_namespace WHERE nspname ~ '^many'"
        branches = ("production", "staging", "development")
        place.sql("CREATE SCHEMA many7", branch="staging")
        plan = provision(place, plan=True, **many)
        equal([len(plan["changes"]), {c["executed"] for c in plan["changes"]}], [449, {False}], "a plan has those of each branch")
        equal([place.sql(count, branch=b) for b in branches], ["0", "1", "0"], "and makes none")
        done = provision(place, **many)
        equal([place.sql(count, branch=b) for b in branches], ["150"] * 3, "a tenant that comes later is on each branch")
        equal([e["type"] for e in done["events"]], ["provisioning.complete"], "no branch was made for that")
        again = provision(place, **many)
        equal([again["changes"], again["events"]], [[], []], "the next run")


def a_branch_that_cannot_be_looked_at_is_said():
    with Workspace(project="shop-dev") as place:
        words = {"domain": "shop", "environment": "dev", "branching_pattern": "multi_tenant_schema"}
        primary = "projects/shop-dev/branches/staging/endpoints/primary"
        schemas = "SELECT string_agg(nspname, ',' ORDER BY nspname) FROM pg_namespace WHERE nspname IN ('acme', 'bolt')"

        def disabled(is_off):
            place.emulator.finish(place.emulator.postgres(
                "PATCH", primary, {"spec": {"endpoint_type": "ENDPOINT_TYPE_READ_WRITE", "disabled": is_off}},
                update_mask="spec.disabled"))
            place.emulator.settled(primary)

        provision(place, tenants=["acme"], **words)
        disabled(True)
        failed = provision(place, check=1, tenants=["acme", "bolt"], **words)
        contains(failed["error"]["message"], "shop-dev", "1 branch")
        contains(json.dumps(failed["result"]["skipped"]), "shop-dev/staging", "not known", "disabled")
        equal([place.sql(schemas, branch=b) for b in ("production", "development")], ["acme,bolt"] * 2, "the others have it")
        equal([e["type"] for e in failed["events"]], [], "nothing is complete")
        disabled(False)
        asleep = provision(place, tenants=["acme", "bolt"], **words)
        contains(json.dumps(asleep["result"]["skipped"]), "shop-dev/staging", "asleep", "lbops target dsn wakes it, with --wake")
        equal([e["type"] for e in asleep["events"]], [], "it is not complete either")
        place.cli("target", "dsn", "staging", "--wake", check=0)
        done = provision(place, tenants=["acme", "bolt"], **words)
        equal([place.sql(schemas, branch="staging"), len(done["changes"])], ["acme,bolt", 1], "what was left is done")


def a_branch_that_sleeps_is_passed_over():
    with Workspace(project="shop-dev") as place:
        words = {"domain": "shop", "environment": "dev", "branching_pattern": "multi_tenant_schema"}
        schemas = "SELECT string_agg(nspname, ',' ORDER BY nspname) FROM pg_namespace WHERE nspname IN ('acme', 'bolt', 'core')"

        def compute(branch):
            return f"projects/shop-dev/branches/{branch}/endpoints/primary"

        def state(branch):
            return place.emulator.postgres("GET", compute(branch)).json["status"]["current_state"]

        def fall_asleep(branch):
            place.emulator.settled(compute(branch))
            place.emulator.control("POST", "computes/suspend", {"endpoint": compute(branch), "force": True})
            equal(state(branch), "IDLE", f"{branch} sleeps")

        def skipped(run):
            return sorted(s["object"] for s in run["result"]["skipped"] if s["reason"].startswith("asleep"))

        provision(place, tenants=["acme"], **words)
        fall_asleep("staging")
        done = provision(place, tenants=["acme", "bolt"], **words)
        equal([skipped(done), done["events"]], [["shop-dev/staging"], []], "it is told, and the project is not complete")
        equal([state("staging"), len(done["changes"])], ["IDLE", 2], "nobody woke it, and the others have the tenant")
        place.emulator.finish(place.emulator.postgres("DELETE", "projects/shop-dev/branches/development", purge="true"))
        fall_asleep("production")
        done = provision(place, tenants=["acme", "bolt", "core"], **words)
        equal(skipped(done), ["shop-dev/production", "shop-dev/staging"], "the first one, too")
        equal([e["type"] for e in done["events"]], ["branch.created"], "what can be done is done")
        equal(place.sql(schemas, branch="development"), "acme,bolt,core", "what was made from one that sleeps has all the same")
        for branch in ("production", "staging"):
            equal(state(branch), "IDLE", f"{branch} slept through it")
            place.cli("target", "dsn", branch, "--wake", check=0)
        done = provision(place, tenants=["acme", "bolt", "core"], **words)
        equal([e["type"] for e in done["events"]], ["provisioning.complete"], "once they are awake")
        equal([place.sql(schemas, branch=b) for b in ("production", "staging")], ["acme,bolt,core"] * 2, "they have it")


def each_layout_in_a_workspace():
    wanted = {
        "simple_dev_prod": {"a-prod": ["development", "production"]},
        "multi_env_pipeline": {"b-prod": ["development", "production", "staging"]},
        "per_developer": {"c-prod": ["dev-anna", "dev-bo", "development", "production", "staging"]},
        "cicd_ephemeral": {"d-prod": ["production", "staging"]},
        "multi_tenant_project": {"e-acme-prod": ["development", "production", "staging"],
                                 "e-bolt-prod": ["development", "production", "staging"]},
        "multi_tenant_schema": {"f-prod": ["development", "production", "staging"]},
    }
    with Workspace() as place:
        for domain, (pattern, projects) in zip("abcdef", wanted.items()):
            params = {"domain": domain, "branching_pattern": pattern, "tenants": ["acme", "bolt"],
                      "developers": ["anna", "bo"]}
            plan = provision(place, plan=True, **params)
            planned = [c["statement"].split()[1] for c in plan["changes"]]
            equal(len(planned), sum(map(len, projects.values())), f"a plan has the project and each branch: {planned}")
            holds(not any(c["executed"] for c in plan["changes"]), "and does nothing")
            provision(place, **params)
            for project, branches in projects.items():
                equal(sorted(place.branches(project)), branches, project)
                equal(place.branches(project)["production"]["is_protected"], True, f"production of {project}")
            equal(provision(place, **params)["changes"], [], f"the second run of {pattern}")
        equal(tree(place, "c-prod")["dev-anna"], "development", "a developer's branch")
        holds("expire_time" in place.branches("c-prod")["dev-anna"], "which expires")
        project = place.emulator.postgres("GET", "projects/b-prod").json["status"]
        equal([project["default_endpoint_settings"]["autoscaling_limit_max_cu"], project["history_retention_duration"]],
              [4, "604800s"], "what is set explicitly")


def what_is_there_is_taken_over():
    with Workspace() as place:
        emulator = place.emulator
        place.project("shop-dev")
        emulator.branch("shop-dev", "development")
        emulator.branch("shop-dev", "staging", ttl="14400s")
        emulator.branch("shop-dev", "somebodys-own")
        found = provision(place, domain="shop", environment="dev", pg_version=16)
        equal(sorted(place.branches("shop-dev")), ["development", "production", "somebodys-own", "staging"], "branches")
        equal([c["statement"].split()[0] for c in found["changes"]], ["PATCH"], "production is protected, no more")
        differences = json.dumps(found["result"]["differences"])
        contains(differences, "pg_version", "expires, and should stay")
        equal(place.branches("shop-dev")["staging"]["expire_time"] is not None, True, "what differs is left as it is")


def what_was_deleted_softly_holds_its_name():
    with Workspace() as place:
        place.project("shop-dev")
        place.emulator.finish(place.emulator.postgres("DELETE", "projects/shop-dev"))
        for plan in (True, False):
            failed = provision(place, check=1, domain="shop", environment="dev", plan=plan)
            equal([failed["error"]["code"], failed["changes"]], ["conflict", []], "nothing is begun")
            contains(failed["error"]["message"], "shop-dev", "BR-055", "deleted softly")
            contains(failed["error"]["hint"], "undelete", "purge")
        place.emulator.finish(place.emulator.postgres("POST", "projects/shop-dev/undelete", {}))
        provision(place, domain="shop", environment="dev")
        equal(place.branches("shop-dev")["production"]["is_protected"], True, "once it is back")


def nothing_is_begun_that_cannot_end():
    with Workspace() as place:
        emulator = place.emulator

        def refused(text, **params):
            contains(json.dumps(provision(place, check=1, **params)["error"]), text)

        refused("has no name")
        refused("BR-060", project_name="shop")
        refused("BR-060", project_name="Shop-dev")
        refused("behind the last hyphen one of dev|staging|", domain="Shop!")
        refused("BR-060", domain="a b")
        refused("BR-021", domain="shop", branching_pattern="per_developer", developers=["anna", "bo maria"])
        refused("--tenants", domain="shop", branching_pattern="multi_tenant_project")
        refused("--domain", project_name="shop-dev", branching_pattern="multi_tenant_project", tenants=["a"])
        refused("no retention", domain="shop", retention="1d")
        refused("do not fit", domain="shop", min_cu=4, max_cu=2)
        refused("BR-040", domain="shop", branching_pattern="per_developer", developers=[f"d{n}" for n in range(8)])
        equal(emulator.postgres("GET", "projects").json.get("projects", []), [], "projects")
        equal(place.cli("run", "provision_lakebase_project", "--branching_pattern", "other").returncode, 2, "no pattern")
        equal(place.waiting("branch_lifecycle"), [], "history")


def a_run_that_is_killed_is_finished_by_the_next():
    with Workspace() as place:
        place.emulator.set(operation_s=1.5)
        words = ("run", "provision_lakebase_project", "--domain", "shop")

        def seen():
            return place.emulator.postgres("GET", "projects/shop-prod").status == 200 and "staging" in place.branches("shop-prod")

        place.killed(seen, *words)
        place.emulator.set(operation_s=0)
        done = provision(place, domain="shop")
        equal(tree(place, "shop-prod"), {"production": None, "staging": "production", "development": "production"}, "tree")
        holds(all(b["current_state"] == "READY" for b in place.branches("shop-prod").values()), "all are ready")
        equal([e["type"] for e in done["events"]], ["branch.created", "provisioning.complete"], "what was left to do")
        equal(provision(place, domain="shop")["changes"], [], "and no more")


suite(*each_version(on_a_local_lakebase), a_branch_that_cannot_be_looked_at_is_said,
      a_branch_that_sleeps_is_passed_over, each_layout_in_a_workspace, what_is_there_is_taken_over, what_was_deleted_softly_holds_its_name,
      nothing_is_begun_that_cannot_end, a_run_that_is_killed_is_finished_by_the_next, at_once=2)
