"""provision_with_governance: all of it as one plan; a failure says what stands and what is left, and the next run ends it."""

import json
import pathlib
import re

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


WRITTEN = [".github/workflows/lakebase-pr-close.yml", ".github/workflows/lakebase-pr.yml", ".github/workflows/lakebase-sweep.yml", "AGENTS.md", "CLAUDE.md"]


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
               "setup_ai_agent_branching": "left"}, "what needs the project can be planned when it is there")
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


ORG = "CREATE SCHEMA app; CREATE TABLE app.orders (org text, v int); INSERT INTO app.orders VALUES ('acme', 1), ('bolt', 2)"
SEEN = "SET ROLE tenant_acme; SELECT v FROM app.orders"


def settle(place, **params):
    """Runs and a person's decisions, until all of it stands."""
    for _ in range(4):
        done = govern(place, check=None, **params)
        if done["error"] or done["result"]["complete"]:
            break
        for approval in place.approvals():
            place.approve(approval["id"])
    return done


RLS = {"tenant_column": "org", "schemas": ["app"], "access": "read"}


def steps_take_arguments_of_their_own_on_a_local_lakebase(version):
    with Local(version, project="shop-dev", targets=(("production", "production"), ("*", "shared"))) as place:
        repo = repository(place)
        params = {"domain": "shop", "environment": "dev", "repository": repo}
        govern(place, **params)
        place.sql(ORG)
        more = {"tenants": ["acme", "bolt"], "isolation": "column",
                "options": {"configure_rls": RLS, "setup_cicd_pipeline": {"environment": "live", "runner": "big", "only_migrations": False}}}
        equal(settle(place, **params, **more)["result"]["complete"], True, "all of it")
        equal(place.sql(SEEN), "1", "tenants are told apart by that column")
        equal(place.sql("SELECT has_table_privilege('tenant_acme', 'app.orders', 'SELECT'), "
                        "has_table_privilege('tenant_acme', 'app.orders', 'UPDATE')"), "t|f", "and may only read")
        workflows = "".join(p.read_text() for p in (repo / ".github/workflows").iterdir())
        contains(workflows, 'environment: "live"', 'runs-on: "big"')
        holds("paths:" not in workflows, "what is true by itself can be false")
        again = govern(place, **params, **more)
        equal([again["changes"], again["events"], again["result"]["complete"]], [[], [], True], "the second run")


def steps_take_arguments_of_their_own_in_a_workspace():
    path = "projects/shop-prod/branches/production/databases/databricks-postgres/data-api"
    with Workspace(project="shop-prod", targets=(("*", "throwaway"),)) as place:
        made = {"provision_lakebase_project": {"pg_version": 17, "retention": "14d", "max_cu": 2}}
        govern(place, domain="shop", options=made)
        spec = place.emulator.postgres("GET", "projects/shop-prod").json["status"]
        equal([spec["pg_version"], spec["history_retention_duration"]], [17, "1209600s"], "the project")
        place.sql(ORG)
        exposed = {**RLS, "exposed_schemas": ["app"], "cors_origins": ["https://shop.example"]}
        params = {"domain": "shop", "tenants": ["acme", "bolt"], "isolation": "column", "readers": ["data-team"],
                  "options": {**made, "create_ops_catalog": {"readers": ["admins"]}, "configure_rls": exposed,
                              "setup_unity_catalog_integration": {"auditors": ["data-team"], "domain": "retail"}}}
        place.emulator.fault("status", "/data-api", "POST", status=403, error_code="PERMISSION_DENIED", message="no")
        failed = settle(place, **params)
        contains(failed["error"]["message"], "Data API", "left: configure_rls of shop-prod)",
                 "stands: provision_lakebase_project, create_ops_catalog, setup_unity_catalog_integration of shop-prod;")
        equal(place.emulator.postgres("GET", path).status, 404, "it failed there")
        done = settle(place, **params)
        equal([done["result"]["complete"], done["result"]["left"]], [True, ""], "the next run ends it")
        status = place.emulator.postgres("GET", path).json["status"]
        equal([status["db_schemas"], status["server_cors_allowed_origins"]], [["app"], ["https://shop.example"]], "the Data API")
        equal(place.sql("SELECT pg_has_role('authenticator', 'tenant_bolt', 'MEMBER')"), "t", "acts as tenants")
        equal(place.sql("SELECT DISTINCT schemaname, tablename, qual LIKE '%org%' FROM pg_policies WHERE qual <> 'true'"),
              "app|orders|t", "policies")
        held = {c: [one["principal"] for one in place.emulator.call("GET", f"{UNITY}/permissions/catalog/{c}").json["privilege_assignments"]]
                for c in ("ops_catalog", "shop_prod")}
        equal(held, {"ops_catalog": ["admins"], "shop_prod": ["data-team"]}, "a step's own readers go over the plan's")
        unity = next(s["result"] for s in done["result"]["steps"] if s["tool"] == "setup_unity_catalog_integration")
        equal({f["evidence"].get("principal") for f in unity["findings"] if f["kind"] == "auditor_lacks_right"}, {"data-team"},
              "auditors were looked after")
        equal([unity["uc_domain"], [f["kind"] for f in unity["findings"] if f["object"] == "shop-prod"]], ["retail", ["domain_not_aligned"]],
              "the domain")
        equal(govern(place, **params)["changes"], [], "and no more")


WRONG_OPTIONS = (
    ({"configure_rls": {"tenant_colum": "org"}}, "configure_rls has no parameter --tenant_colum", "did you mean --tenant_column?"),
    ({"configure_rls": {"access": "all"}}, "--access", "read"),
    ({"provision_lakebase_project": {"max_cu": "much"}}, "--max_cu", "a number"),
    ({"provision_lakebase_project": {"developers": [1]}}, "--developers: element 1 is not of type text"),
    ({"configure_rls": {"tenants": ["a"]}}, "tenants of configure_rls follows from the plan"),
    ({"setup_ai_agent_branching": {"project_id": "x"}}, "project_id of setup_ai_agent_branching follows from the plan"),
    ({"setup_cicd_pipeline": {"runner": "big"}}, "does not take the step setup_cicd_pipeline", "--repository"),
    ({"setup_rls": {}}, "has no step setup_rls", "configure_rls"),
    ({"configure_rls": ["tenant_column"]}, "is no object"),
    (["configure_rls"], "--options is no object"),
)


def wrong_options_stop_it_before_it_begins():
    with Workspace() as place:
        for options, *texts in WRONG_OPTIONS:
            params = {"domain": "shop", "tenants": ["acme"], "isolation": "column", "options": options}
            for plan in (True, False):
                failed = govern(place, check=1, plan=plan, **params)
                contains(json.dumps(failed["error"]), *(json.dumps(t)[1:-1] for t in texts))
                equal([failed["changes"], failed["result"].get("steps")], [[], None], f"of {options} nothing is begun")
        equal(place.emulator.postgres("GET", "projects").json.get("projects", []), [], "projects")
        contains(json.dumps(govern(place, check=1, domain="shop", options={"configure_rls": {"access": "read"}})["error"]),
                 "does not take the step configure_rls", "--tenants")


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


PATTERNS = {"simple_dev_prod": ("development", "development"), "multi_env_pipeline": ("staging", "development"),
            "per_developer": ("staging", "development"), "cicd_ephemeral": ("staging", "staging"),
            "multi_tenant_project": ("staging", "development"), "multi_tenant_schema": ("staging", "development")}


def each_pattern_serves_pull_requests_and_agents():
    """What was written for them is carried out."""
    with Workspace(targets=(("*", "throwaway"),)) as place:
        for number, (pattern, (source, agents)) in enumerate(PATTERNS.items(), 1):
            domain = f"p{number}"
            repo = place.dir / domain
            (repo / ".git").mkdir(parents=True)
            more = {"per_developer": {"developers": ["ada"]}, "multi_tenant_project": {"tenants": ["acme"]},
                    "multi_tenant_schema": {"tenants": ["acme"]}}.get(pattern, {})
            govern(place, check=None, domain=domain, branching_pattern=pattern, repository=repo, **more)
            project = f"{domain}-acme-prod" if pattern == "multi_tenant_project" else f"{domain}-prod"
            workflow = (repo / ".github/workflows/lakebase-pr.yml").read_text()
            wanted = re.search(r'SOURCE_BRANCH: *"?([a-z-]+)', workflow)[1]
            place.run("create_branch_on_pr", branch="", project_id=project, pr_number=1, action="opened", source_branch=wanted)
            place.run("create_branch_on_pr", branch="", project_id=project, pr_number=2)
            place.run("create_branch", branch="", project_id=project, branch_name="ai-agent-task", creator_type="agent")
            place.run("create_branch", branch="", project_id=project, branch_name="feat-x")
            there = {n: (b["source_branch"] or "").rsplit("/", 1)[-1] for n, b in place.branches(project).items() if b.get("source_branch")}
            equal({n: there[n] for n in ("ci-pr-1", "ci-pr-2", "ai-agent-task", "feat-x")},
                  {"ci-pr-1": source, "ci-pr-2": source, "ai-agent-task": agents, "feat-x": agents}, pattern)
            contains((repo / "CLAUDE.md").read_text(), f"--project_id {project} --branch_name ai-agent-TASK", f"It is made from `{agents}`")


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


suite(*each_version(on_a_local_lakebase, steps_take_arguments_of_their_own_on_a_local_lakebase), in_a_workspace,
      steps_take_arguments_of_their_own_in_a_workspace, wrong_options_stop_it_before_it_begins, a_failure_says_what_is_left, a_run_that_is_killed_is_finished_by_the_next,
      each_pattern_serves_pull_requests_and_agents, each_tenant_a_project, bad_input, at_once=2)
