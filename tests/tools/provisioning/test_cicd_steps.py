"""The steps of the workflows with the tools themselves, on a local Lakebase: a pull request from its opening to its merge."""

import json
import pathlib
import sys

from place import PLUGINS, PROGRAM, Local, contains, each_version, equal, holds, suite
from workflow_steps import Runner, steps

TARGETS = (("*", "shared"), ("production", "production"), ("ci-*", "throwaway"))
TOOLS = ("create_branch_on_pr", "apply_schema_migration", "capture_schema_diff", "delete_branch_on_pr_close")

if any(not (pathlib.Path(PLUGINS) / f"{tool}.so").exists() for tool in TOOLS):
    print(f"skipped: the build lacks one of {', '.join(TOOLS)}")
    sys.exit(77)


def a_pull_request_goes_its_way(version):
    with Local(version, targets=TARGETS) as place:
        repo = place.dir / "a repo"
        (repo / ".git").mkdir(parents=True)
        (repo / ".github" / "workflows").mkdir(parents=True)
        (repo / "migrations").mkdir()
        (repo / "migrations" / "V1__first.sql").write_text("CREATE TABLE IF NOT EXISTS items (id bigint PRIMARY KEY);\n")
        made = place.run("setup_cicd_pipeline", branch="", dir=repo)["result"]
        shell = {**steps(made["create_branch_yaml"]), **steps(made["delete_branch_yaml"])}
        runner = Runner(place)
        (runner.dir / "bin" / "lbops").symlink_to(PROGRAM)
        env = {"LBOPS_MANIFEST": str(place.manifest), "LAKEBASE_PROJECT": "shop", "NUMBER": "12", "ACTION": "opened",
               "GITHUB_WORKSPACE": str(repo), "MIGRATIONS": "migrations", "SOURCE_BRANCH": "production",
               "TARGET_BRANCH": "production", "MERGED": "true", "BRANCH": "ci-pr-12", "MIGRATED": "success"}

        def step(job, name):
            done = runner.step(shell[job, name], **env)
            equal(done.returncode, 0, f"{job}, {name}: {done.stdout}{done.stderr}")
            return done.stdout

        for _ in range(2):
            step("branch", "Make the branch")
            equal(runner.read("output"), "name=ci-pr-12\n", "the branch")
            step("branch", "Apply the migrations")
        equal(json.loads(runner.read("migration.json"))["result"]["applied"], 0, "the second time")
        equal(place.sql("SELECT to_regclass('items')", branch="ci-pr-12"), "items", "it is migrated")
        equal(place.sql("SELECT to_regclass('items')"), "", "its source is not")
        step("branch", "Compare the schemas")
        step("branch", "Write the report")
        contains(runner.read("report.md"), "ci-pr-12", "success, 0 applied", "differs, see below", "items")
        step("delete", "Delete the branch")
        holds("ci-pr-12" not in place.branches(), "the branch is gone")
        step("delete", "Delete the branch")
        step("replay", "Apply the migrations")
        equal(place.sql("SELECT to_regclass('items')"), "items", "the target is migrated")
        step("replay", "Apply the migrations")


suite(*each_version(a_pull_request_goes_its_way), at_once=2)
