"""provision_with_governance: all of it as one plan; a failure says what stands and what is left, and the next run ends it."""

import json
import pathlib

from place import Local, Workspace, contains, each_version, equal, holds, suite

UNITY = "/api/2.1/unity-catalog"
STEPS = ["provision_lakebase_project", "create_ops_catalog", "setup_unity_catalog_integration", "configure_rls", "setup_cicd_pipeline",
         "setup_ai_agent_branching"]


def govern(place, check=0, **params):
    return place.run("provision_with_governance", branch="", check=check, **params)


def repository(place):
    repo = place.dir / "repo"
    (repo / ".git").mkdir(parents=True)
    return repo


def files(repo):
    return sorted(str(p.relative_to(repo)) for p in pathlib.Path(repo).rglob("*") if p.is_file())


WRITTEN = [".github/workflows/lakebase-pr-close.yml", ".github/workflows/lakebase-pr.yml", "AGENTS.md", "CLAUDE.md"]


def states(done):
    return {s["tool"]: s["status"] for s in done["result"]["steps"]}


def on_a_local_lakebase(version):
    with Local(version, project="shop-dev", targets=(("production", "production"), ("*", "shared"))) as place:
        repo = repository(place)
        params = {"domain": "shop", "environment": "dev", "branching_pattern": "multi_tenant_schema", "tenants": ["acme", "bolt"],
                  "repository": repo, "test_command": "make test"}
        plan = govern(place, plan=True, **params)
        equal([files(repo), any(c["executed"] for c in plan["changes"])], [[], False], "a plan does nothing")
        first = govern(place, check=3, **params)
        equal(states(first), {**dict.fromkeys(STEPS, "done"), "setup_unity_catalog_integration": "skipped", "configure_rls": "waiting"},
              "steps")
        equal([first["result"]["complete"], first["result"]["left"]], [False, "configure_rls of shop-dev"], "what is for a person")
        for approval in place.approvals():
            place.approve(approval["id"])
        done = govern(place, **params)
        equal([done["changes"], done["result"]["complete"], done["result"]["left"]], [[], True, ""], "all of it")
        equal(sorted(place.branches()), ["development", "production", "staging"], "branches")
        equal(files(repo), WRITTEN, "files")
        equal(place.sql("SELECT has_schema_privilege('tenant_acme', 'acme', 'USAGE'), has_schema_privilege('tenant_acme', 'bolt', 'USAGE')"),
              "t|f", "tenants")
        again = govern(place, **params)
        equal([again["changes"], again["events"], again["result"]["complete"]], [[], [], True], "the second run")


def in_a_workspace():
    with Workspace(targets=(("*", "throwaway"),)) as place:
        repo = repository(place)
        params = {"domain": "shop", "branching_pattern": "multi_tenant_schema", "tenants": ["acme", "bolt"], "repository": repo,
                  "readers": ["data-team"]}
        plan = govern(place, plan=True, **params)
        equal({s["tool"]: s["status"] for s in plan["result"]["steps"]},
              {**dict.fromkeys(STEPS, "planned"), "setup_unity_catalog_integration": "left", "configure_rls": "left",
               "setup_ai_agent_branching": "planned"}, "what needs the project can be planned when it is there")
        equal(place.emulator.postgres("GET", "projects").json.get("projects", []), [], "a plan makes nothing")
        first = govern(place, check=3, **params)
        equal([states(first)[t] for t in ("create_ops_catalog", "setup_unity_catalog_integration")], ["waiting"] * 2,
              "whom one lets in is for a person to decide")
        contains(first["result"]["left"], "create_ops_catalog", "setup_unity_catalog_integration of shop-prod")
        equal(first["result"]["complete"], False, "so it is not all there")
        equal(place.emulator.postgres("GET", "catalogs/shop_prod").status, 200, "the catalog is")
        for approval in place.approvals():
            place.approve(approval["id"])
        done = govern(place, **params)
        equal([done["changes"], done["result"]["complete"], states(done)], [[], True, dict.fromkeys(STEPS, "done")], "now it is")
        held = place.emulator.call("GET", f"{UNITY}/permissions/catalog/shop_prod").json["privilege_assignments"]
        equal([one["principal"] for one in held], ["data-team"], "readers")
        equal(files(repo), WRITTEN, "files")


def a_failure_says_what_is_left():
    with Workspace() as place:
        place.emulator.fault("status", "/schemas$", "POST", status=403, error_code="PERMISSION_DENIED", message="no")
        repo = repository(place)
        failed = govern(place, check=1, domain="shop", repository=repo)
        error = failed["error"]
        contains(error["message"], "stands: provision_lakebase_project, setup_unity_catalog_integration of shop-prod",
                 "left: create_ops_catalog")
        contains(error["hint"], "CREATE SCHEMA", "run it again")
        equal(place.emulator.call("GET", f"{UNITY}/catalogs/shop_prod").status, 200, "what does not need it was done")
        equal(files(repo), WRITTEN, "all of it")
        done = govern(place, domain="shop", repository=repo)
        equal([c["statement"].split()[1] for c in done["changes"]], ["unity-catalog/schemas", "unity-catalog/volumes"], "what was left")
        equal(govern(place, domain="shop", repository=repo)["changes"], [], "and no more")
        own = repo / WRITTEN[0]
        own.write_text(own.read_text() + "# by hand\n")
        kept = govern(place, domain="shop", repository=repo)
        equal([kept["changes"], kept["result"]["complete"], own.read_text().endswith("# by hand\n")], [[], True, True],
              "what a person has written stays, and nothing waits for that")

        place.emulator.fault("status", "/projects$", "POST", status=403, error_code="PERMISSION_DENIED", message="no")
        error = govern(place, check=1, domain="bank")["error"]
        contains(error["message"], "stands: nothing", "left: provision_lakebase_project, create_ops_catalog")
        equal(place.emulator.call("GET", f"{UNITY}/catalogs/bank_prod").status, 404, "nothing is begun without a project")


def a_run_that_is_killed_is_finished_by_the_next():
    with Workspace() as place:
        place.emulator.set(operation_s=1.5)
        words = ("run", "provision_with_governance", "--domain", "shop")
        place.killed(lambda: place.emulator.postgres("GET", "projects/shop-prod").status == 200
                     and "staging" in place.branches("shop-prod"), *words)
        place.emulator.set(operation_s=0)
        done = govern(place, domain="shop")
        equal(done["result"]["complete"], True, "all of it")
        equal(sorted(place.branches("shop-prod")), ["development", "production", "staging"], "branches")
        equal(govern(place, domain="shop")["changes"], [], "and no more")


def each_tenant_a_project():
    with Workspace() as place:
        done = govern(place, domain="shop", branching_pattern="multi_tenant_project", tenants=["acme", "bolt"])
        equal([s["project"] for s in done["result"]["steps"] if s["tool"] == "setup_unity_catalog_integration"],
              ["shop-acme-prod", "shop-bolt-prod"], "each is governed")
        equal([place.emulator.postgres("GET", f"catalogs/shop_{t}_prod").status for t in ("acme", "bolt")], [200, 200], "catalogs")


def bad_input():
    with Workspace() as place:
        for params, text in (({}, "has no name"), ({"domain": "a b"}, "BR-060"),
                             ({"domain": "shop", "branching_pattern": "per_developer"}, "--developers"),
                             ({"domain": "shop", "repository": "here"}, "does not begin with /")):
            contains(json.dumps(govern(place, check=1, **params)["error"]), text)
        equal(place.emulator.postgres("GET", "projects").json.get("projects", []), [], "projects")
        equal(place.cli("run", "provision_with_governance", "--isolation", "wall").returncode, 2, "no such isolation")
        holds("unity-catalog" not in json.dumps(govern(place, check=1, domain="a b")["changes"]), "nothing was begun")


suite(*each_version(on_a_local_lakebase), in_a_workspace, a_failure_says_what_is_left, a_run_that_is_killed_is_finished_by_the_next,
      each_tenant_a_project, bad_input, at_once=2)
