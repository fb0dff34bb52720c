"""The steps of the workflows with the tools themselves, on a local Lakebase and against an emulated workspace and GitHub: a pull
request from its opening to its merge."""

import json
import os
import pathlib
import subprocess
import sys
import urllib.parse

from place import PLUGINS, PROGRAM, Local, Place, Workspace, contains, each_version, equal, holds, suite, target
from workflow_steps import Runner, steps

TARGETS = (("*", "shared"), ("production", "production"), ("ci-*", "throwaway"), ("perf-*", "throwaway"))
MARKER = "<!-- lakebaseops:schema-diff -->"
# A cycle compares with production; what a workflow compares does not depend on that.
COMPARES = ('[agents.provisioning]\nmission = "x"\ntools = ["capture_schema_diff"]\n'
            '[agents.provisioning.tool.capture_schema_diff]\nparams = { target_branch = "production" }\n')
HISTORY = '[services.delta]\nplugin = "delta_local"\npath = "{}"\nflush_interval_s = 3600\n'
TOOLS = ("create_branch_on_pr", "apply_schema_migration", "capture_schema_diff", "post_schema_diff_to_pr", "delete_branch_on_pr_close",
         "test_migration_on_branch")

if any(not (pathlib.Path(PLUGINS) / f"{tool}.so").exists() for tool in TOOLS):
    print(f"skipped: the build lacks one of {', '.join(TOOLS)}")
    sys.exit(77)


def the_history_is_kept(place, step):
    """What waits on the machine arrives in the history; where it cannot, or where that goes with the machine, this is said."""
    def kept(table):
        return json.loads(place.cli("--json", "sql", "--no-flush", f"SELECT count(*) FROM {table}", check=0).stdout)["rows"][0][0]

    tables = ("audit_log", "migration_history", "branch_lifecycle")
    before = {table: len(place.waiting(table)) for table in tables}
    holds(all(before.values()), f"each has rows that wait: {before}")
    nowhere, here = place.dir / "nowhere.toml", place.dir / "here.toml"
    nowhere.write_text(place.manifest.read_text().replace(str(place.dir / "kept"), "/dev/null/kept"))
    here.write_text(place.manifest.read_text().replace(HISTORY.format(place.dir / "kept"), ""))
    contains(step("replay", "Keep the history", LBOPS_MANIFEST=str(nowhere)), "::warning::what this job has recorded could not all")
    equal({table: len(place.waiting(table)) for table in tables}, before, "then they still wait")
    equal(step("replay", "Keep the history"), "", "nothing to say")
    equal([place.waiting(table) for table in tables], [[], [], []], "nothing waits any more")
    equal({table: int(kept(table)) for table in tables}, before, "all have arrived")
    equal(step("replay", "Keep the history", LBOPS_STATE_DIR=""), "", "where nothing was run")
    step("delete", "Delete the branch")
    contains(step("delete", "Keep the history", LBOPS_MANIFEST=str(here)), "::warning::the history lies on this machine")


def a_pull_request_goes_its_way(version):
    with Local(version, targets=TARGETS) as place:
        place.write(HISTORY.format(place.dir / "kept") + COMPARES)
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
               "TARGET_BRANCH": "production", "MERGED": "true", "BRANCH": "ci-pr-12", "MIGRATED": "success", "PICTURE": "success",
               "LBOPS_STATE_DIR": str(place.state), "UNCOMPARED": "", "TRIED": "", "GITHUB_RUN_ID": "77", "GITHUB_RUN_ATTEMPT": "1"}

        def step(job, name, **more):
            done = runner.step(shell[job, name], **{**env, **more})
            equal(done.returncode, 0, f"{job}, {name}: {done.stdout}{done.stderr}")
            return done.stdout

        for first in (True, False):
            step("branch", "Make the branch")
            equal(runner.read("output"), "name=ci-pr-12\n", "the branch")
            step("branch", "Apply the migrations")
            step("branch", "Write the report")
            equal("V1__first.sql, line 1: items: unqualified-name" in runner.read("report.txt"), first, "what is told of a file, while it is new")
        equal(json.loads(runner.read("migration.json"))["result"]["applied"], 0, "the second time")
        equal(place.sql("SELECT to_regclass('items')", branch="ci-pr-12"), "items", "it is migrated")
        equal(place.sql("SELECT to_regclass('items')"), "", "its source is not")
        step("branch", "Compare the schemas")
        (repo / "migrations" / "U1__first.sql").write_text("DROP TABLE IF EXISTS items;\n")
        step("branch", "Try the migrations")
        tried = json.loads(runner.read("trial.json"))["result"]
        equal([tried["branch"], tried["created"], tried["deleted"], tried["rehearsal"]["applied"], tried["rehearsal"]["rollback"]["outcome"]],
              ["perf-pr-12-77-1", True, True, 1, "exact"], "a trial of its own, from the beginning and back")
        equal([b for b in place.branches() if b.startswith("perf-")], [], "its branch is gone")
        equal(place.sql("SELECT to_regclass('items')"), "", "the source is as it was")
        env.update(TRIED="success")
        step("branch", "Write the report")
        contains(runner.read("report.md"), "ci-pr-12", "success, 0 applied", "differs, see below", "items", "| trial | success |",
                 "### Locks", "### Rollback")
        contains(runner.read("report.txt"), "trial: success", "### Locks", "### Rollback", "V1__first.sql")
        (repo / "migrations" / "V2__wrong.sql").write_text("ALTER TABLE no_such_table ADD COLUMN IF NOT EXISTS a int;\n")
        wrong = runner.step(shell["branch", "Try the migrations"], **env)
        equal(wrong.returncode, 1, "a trial that fails, fails the run")
        contains(wrong.stdout, "no_such_table")
        equal([b for b in place.branches() if b.startswith("perf-")], [], "its branch is gone all the same")
        for name in ("V2__wrong.sql", "U1__first.sql"):
            (repo / "migrations" / name).unlink()
        strict = place.dir / "strict.toml"
        strict.write_text(place.manifest.read_text().replace('branch = "perf-*"', 'branch = "other-*"'))
        waits = runner.step(shell["branch", "Try the migrations"], **{**env, "LBOPS_MANIFEST": str(strict), "GITHUB_RUN_ATTEMPT": "2"})
        equal(waits.returncode, 3, "a branch that a person has to let go")
        contains(waits.stdout, "::error::", "perf-* the class throwaway")
        step("picture", "Ask the branch")
        equal([t["file"] for t in json.loads(runner.read("tried.json"))], ["V1__first.sql"], "what was tried")
        early = repo / "migrations" / "V0_5__early.sql"
        early.write_text("SELECT 1;\n")
        step("picture", "Ask the branch")
        early.unlink()
        equal([t["file"] for t in json.loads(runner.read("tried.json"))], ["V1__first.sql"], "others were merged beside it")
        kept = (runner.dir / "tried.json").rename(runner.dir / "kept.json")
        wrong = runner.step(shell["picture", "Ask the branch"], **{**env, "MIGRATIONS": "nowhere"})
        equal([wrong.returncode != 0, (runner.dir / "tried.json").exists()], [True, False], "what cannot be told")
        contains(wrong.stdout, "::error::", "the branch stays")
        step("delete", "Delete the branch")
        holds("ci-pr-12" not in place.branches(), "the branch is gone")
        step("delete", "Delete the branch")
        step("picture", "Ask the branch")
        equal([runner.read("output"), (runner.dir / "tried.json").exists()], ["gone=true\n", False], "what is gone tells nothing")
        unknown = runner.step(shell["replay", "Apply the migrations"], **{**env, "PICTURE": "failure"})
        equal(unknown.returncode, 1, "without a picture")
        contains(unknown.stdout, "::error::", "LAKEBASE_REPLAY_UNCOMPARED")
        kept.rename(runner.dir / "tried.json")
        equal([step("replay", "Try the migrations", TARGET_BRANCH="none"), runner.read("output")], ["", ""], "what can be compared is not tried again")
        env.update(TRIED="")
        place.sql("CREATE TABLE items (other text)")
        moved = runner.step(shell["replay", "Apply the migrations"], **env)
        equal(moved.returncode, 1, moved.stdout)
        contains(moved.stdout + moved.stderr, "V1__first.sql touches the relation items")
        equal(place.sql("SELECT to_regnamespace('lbops_migration') IS NULL"), "t", "nothing was done, no ledger either")
        place.sql("DROP TABLE items")
        step("replay", "Apply the migrations")
        equal(place.sql("SELECT to_regclass('items')"), "items", "the target is migrated")
        (runner.dir / "tried.json").unlink()
        (repo / "migrations" / "V2__more.sql").write_text("ALTER TABLE items ADD COLUMN IF NOT EXISTS note text;\n")
        (repo / "migrations" / "V3__wrong.sql").write_text("ALTER TABLE no_such_table ADD COLUMN IF NOT EXISTS a int;\n")
        columns = "SELECT string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'items'::regclass AND attnum > 0"
        failed = runner.step(shell["replay", "Try the migrations"], **env)
        equal([failed.returncode, runner.read("output")], [1, ""], "a branch that is gone, and a trial that fails")
        contains(failed.stdout, "no_such_table", "::error::the branch of the pull request is gone", "nothing is applied")
        stops = runner.step(shell["replay", "Apply the migrations"], **env)
        equal([stops.returncode, place.sql(columns)], [1, "id"], "without a trial that passed, nothing is applied")
        (repo / "migrations" / "V3__wrong.sql").unlink()
        step("replay", "Try the migrations")
        equal([runner.read("output"), place.sql(columns)], ["tried=true\n", "id"], "it passes, on a branch of its own")
        holds("perf-pr-12-77-1" not in place.branches(), "which is gone")
        contains(step("replay", "Apply the migrations", TRIED="true"), "::notice::the branch of the pull request is gone")
        equal(place.sql(columns), "id note", "then it is applied")
        env.update(PICTURE="failure", UNCOMPARED="true")
        step("replay", "Try the migrations")
        equal(runner.read("output"), "", "a person answers for it")
        contains(step("replay", "Apply the migrations"), "::warning::LAKEBASE_REPLAY_UNCOMPARED")
        the_history_is_kept(place, step)


def changed_files_are_judged_without_a_server():
    with Place('plugin = "transport_local"\nprojects = ["shop"]', target("shop", "production", "production")) as place:
        repo = place.dir / "a repo"
        files = repo / "db" / "sql"
        files.mkdir(parents=True)

        def git(*words):
            done = subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", "-C", repo, *words], capture_output=True, text=True, check=False)
            equal(done.returncode, 0, f"{words}: {done.stderr}")

        def commit(**texts):
            for name, text in texts.items():
                (files / f"{name}.sql").write_text(text)
            git("add", "--all")
            git("commit", "--quiet", "--message", "x")

        git("init", "--quiet", "--initial-branch", "main")
        commit(V1__old="CREATE TABLE app.old (id int);\n", V2__edited="SELECT 1;\n", V3__gone="SELECT 1;\n", V3_1__same="SELECT 1;\n")
        body = steps(place.run("setup_cicd_pipeline", branch="", dir=repo, migrations="db/sql")["result"]["create_branch_yaml"])
        runner = Runner(place)
        (runner.dir / "bin" / "lbops").symlink_to(PROGRAM)
        (repo / "lbops.toml").write_text("what a fork brings along is not read")

        def judge(**texts):
            """As GitHub checks it out: the pull request merged into what has gone on meanwhile."""
            git("checkout", "--quiet", "-B", "theirs", "main")
            (files / "V3__gone.sql").unlink()
            (files / "read me.txt").write_text("text")
            for folder in (".old", "2024", "2024/.old"):
                (files / folder).mkdir(exist_ok=True)
            (files / ".old" / "V9__x.sql").write_text("nothing that is executed")
            (files / "2024" / ".old" / "V9__x.sql").write_text("nothing that is executed")
            commit(**texts)
            git("checkout", "--quiet", "-B", "merged", "main")
            commit(**{"V0__beside": "CREATE TABLE app.beside (id int);\n"})
            git("merge", "--quiet", "--no-ff", "--no-edit", "theirs")
            done = runner.step(body["lint", "Judge the changed migrations"], GITHUB_WORKSPACE=str(repo), MIGRATIONS="db/sql",
                               LBOPS_MANIFEST=str(repo / "lbops.toml"))
            return done.returncode, done.stdout

        new = {"V2__edited": "SELECT 2;\n", "V5__drop": "DROP TABLE IF EXISTS app.gone;\n"}
        code, said = judge(V4__new="-- new\nCREATE TABLE app.more (id bigint PRIMARY KEY);\n", **new)
        equal([code, said.splitlines()[0]], [1, "::error file=db/sql/V4__new.sql,line=2,col=1,title=not-idempotent::app.more: "
                                             "a second run of the statement fails or does it twice"], said)
        contains(said, "\n::warning file=db/sql/V5__drop.sql,line=1,col=1,title=table-drop::app.gone: ")
        holds(not any(name in said for name in ("V0__", "V1__", "V3", "V9__")), f"what is as it was, or gone, is nobody's business here: {said}")
        code, said = judge(V4__new="CREATE TABLE IF NOT EXISTS app.more (id bigint PRIMARY KEY);\n", **new)
        equal([code, "::error" in said, "V5__drop.sql" in said], [0, False, True], said)
        code, said = judge(V5__again="SELECT 1;\n", **new)
        equal([code, said.startswith("::error::V5__again.sql and V5__drop.sql have the same version (")], [1, True], said)
        code, said = judge(V4__broken="CREATE TABEL x ();\n")
        equal([code, said.startswith("::error file=db/sql/V4__broken.sql,line=1,col=8,title=syntax-error::")], [1, True], said)
        code, said = judge(**{"2024/V6__bare": "CREATE TABLE app.bare (id bigint PRIMARY KEY);\n"})
        equal([code, said.startswith("::error file=db/sql/2024/V6__bare.sql,line=1,col=1,title=not-idempotent::app.bare: ")], [1, True], said)
        equal(judge(), (0, "no migration has changed\n"), "a file went, and others than migrations came")


class Connected(Workspace):
    """A workspace that psql gets into as the principal."""

    def url(self, branch=None):
        ready, place = self.emulator.ready, branch or self.branch
        words = {"grant_type": "client_credentials", "scope": "all-apis", "client_id": ready["client_id"],
                 "client_secret": ready["client_secret"]}
        bearer = self.emulator.call("POST", "/oidc/v1/token", urllib.parse.urlencode(words).encode(), token=None,
                                    headers={"Content-Type": "application/x-www-form-urlencoded"}).json["access_token"]
        password = self.emulator.credential(f"projects/{self.own}/branches/{place}/endpoints/primary", bearer)
        rest = self.cli("target", "dsn", place, "--wake", check=0).stdout.strip().partition("@")[2]
        return (f"postgresql://{ready['client_id']}:{urllib.parse.quote(password, safe='')}@{rest}"
                f"&sslrootcert={ready['pg_ca_file']}")


def a_pull_request_in_a_workspace():
    command = 'psql -XAtq -d "$DATABASE_URL" -c "SELECT to_regclass(\'items\'), current_user" >seen'
    with Connected(targets=(("production", "production"), ("ci-*", "throwaway"), ("perf-*", "throwaway"), ("*", None))) as place:
        emulator, ready = place.emulator, place.emulator.ready
        os.environ["LBOPS_TEST_GITHUB"] = ready["github_token"]
        place.write(f'github = {{ env = "LBOPS_TEST_GITHUB" }}\n[http.github]\nurl = "{emulator.url}"\n'
                    f'kind = "github"\ntoken = {{ secret = "github" }}\nca = "{emulator.ca}"\n')
        place.project()
        repo = place.dir / "a repo"
        (repo / ".git").mkdir(parents=True)
        (repo / "migrations").mkdir()
        (repo / "migrations" / "V1__first.sql").write_text("CREATE TABLE IF NOT EXISTS items (id bigint PRIMARY KEY);\n")
        made = place.run("setup_cicd_pipeline", branch="", dir=repo, test_command=command, uc_catalog="ops")["result"]
        equal(place.run("setup_cicd_pipeline", branch="", dir=repo, test_command=command, uc_catalog="ops")["changes"], [], "twice")
        shell = {**steps(made["create_branch_yaml"]), **steps(made["delete_branch_yaml"])}
        runner = Runner(place)
        (runner.dir / "bin" / "lbops").symlink_to(PROGRAM)
        env = {"LBOPS_MANIFEST": str(place.manifest), "LBOPS_TEST_SECRET": ready["client_secret"], "LAKEBASE_PROJECT": "shop",
               "LBOPS_TEST_GITHUB": ready["github_token"], "GITHUB_REPOSITORY": "acme/shop", "NUMBER": "12", "ACTION": "opened",
               "GITHUB_WORKSPACE": str(repo), "MIGRATIONS": "migrations", "SOURCE_BRANCH": "production", "TARGET_BRANCH": "production",
               "MERGED": "true", "BRANCH": "ci-pr-12", "MIGRATED": "success", "TESTED": "success", "TRIED": "success",
               "GITHUB_RUN_ID": "77", "GITHUB_RUN_ATTEMPT": "1", "TEST_COMMAND": command, "PICTURE": "success", "UNCOMPARED": "", "DATABRICKS_HOST": emulator.url, "DATABRICKS_CLIENT_ID": ready["client_id"],
               "DATABRICKS_CLIENT_SECRET": ready["client_secret"], "CURL_CA_BUNDLE": ready["ca_file"],
               "PGSSLROOTCERT": ready["pg_ca_file"], "UC_CATALOG": "ops", "UC_READERS": "[]"}

        def step(job, name, **more):
            done = runner.step(shell[job, name], **{**env, **more})
            equal(done.returncode, 0, f"{job}, {name}: {done.stdout}{done.stderr}")
            return done.stdout

        def comments():
            listed = emulator.call("GET", "/repos/acme/shop/issues/12/comments", token=ready["github_token"]).json
            return [(c["id"], c["body"]) for c in listed if c["body"].startswith(MARKER)]

        for _ in range(2):
            for name in ("Make the branch", "Apply the migrations", "Compare the schemas", "Try the migrations", "Test",
                         "Write the report"):
                step("branch", name)
            report = runner.read("output").split("\n", 1)[1].rsplit("\n", 2)[0]
            step("comment", "Comment on the pull request", REPORT=report)
        equal(runner.read("seen"), f"items|{ready['client_id']}\n", "tests see the branch, as the principal")
        equal(place.sql("SELECT to_regclass('items')"), "", "its source is not migrated")
        (ident, body), = comments()
        contains(body, "`ci-pr-12` against `production`", "migrations: success, 0 applied\ntrial: success\ntests: success", "items", "### Locks")
        step("comment", "Comment on the pull request", REPORT=report)
        equal(comments(), [(ident, body)], "one comment, and the same")
        step("delete", "Delete the branch")
        holds(place.branches().get("ci-pr-12", {}).get("current_state") in (None, "DELETED"), "the branch is gone")
        step("delete", "Delete the branch")
        for _ in range(2):
            step("replay", "Try the migrations")
            equal(runner.read("output"), "tried=true\n", "the branch is gone, and nothing was kept")
            step("replay", "Apply the migrations", TRIED="true")
            step("replay", "Permissions in Unity Catalog")
        equal(place.sql("SELECT to_regclass('items')"), "items", "the target is migrated")
        equal(emulator.postgres("GET", "catalogs/shop").status, 200, "its database is a catalog")
        equal(emulator.call("GET", "/api/2.1/unity-catalog/catalogs/ops").status, 200, "and the history has one")


def a_migration_is_rehearsed_in_a_workspace():
    with Connected() as place:
        place.project()
        files = place.dir / "files"
        files.mkdir()
        (files / "V1__first.sql").write_text("CREATE TABLE IF NOT EXISTS items (id bigint PRIMARY KEY);\n")
        (files / "U1__first.sql").write_text("DROP TABLE IF EXISTS items;\n")
        for again in (False, True):
            done = place.run("test_migration_on_branch", branch="", dir=files, branch_name="ci-pr-77", source_branch="production")
            told = done["result"]["rehearsal"]
            equal([done["result"]["created"], done["result"]["verdict"], told["applied"]], [not again, "passed", 0 if again else 1],
                  "the second time there is nothing to do")
            equal(told["rollback"]["outcome"], "skipped" if again else "exact", "the way back")
        there = place.branches()["ci-pr-77"]
        equal([there["source_branch"], "expire_time" in there], ["projects/shop/branches/production", True], "the branch")
        equal(place.sql("SELECT to_regclass('items')", branch="ci-pr-77"), "items", "it is migrated")
        equal(place.sql("SELECT to_regclass('items')"), "", "its source is not")


def the_address_of_another_branch_is_found_out():
    """A look-up that answers with production's host: nothing is done there, as a credential is for one branch."""
    with Connected() as place:
        place.project()
        emulator = place.emulator
        place.run("create_branch_on_pr", branch="", pr_number=1, source_branch="production")
        (place.dir / "files").mkdir()
        (place.dir / "files" / "V1__first.sql").write_text("CREATE TABLE IF NOT EXISTS items (id bigint PRIMARY KEY);\n")
        answers = {b: emulator.postgres("GET", f"projects/shop/branches/{b}/endpoints/primary").json for b in ("ci-pr-1", "production")}
        for code, lie in (("denied", {**answers["ci-pr-1"], "status": {**answers["ci-pr-1"]["status"], "hosts": answers["production"]["status"]["hosts"]}}),
                          ("conflict", answers["production"])):
            for path, body in (("endpoints/primary$", lie), ("endpoints$", {"endpoints": [lie]})):
                emulator.fault("status", f"branches/ci-pr-1/{path}", "GET", status=200, count=0, body=body)
            failed = place.run("apply_schema_migration", check=None, branch="ci-pr-1", dir="files")
            emulator.control("DELETE", "faults")
            equal([failed["error"] and failed["error"]["code"], failed["result"].get("migrations")], [code, None], str(failed["error"]))
            equal([place.sql("SELECT to_regclass('items'), to_regnamespace('lbops_migration')", branch=b) for b in answers], ["|"] * 2,
                  "nothing was done, there or here")
        equal(place.run("apply_schema_migration", branch="ci-pr-1", dir="files")["result"]["applied"], 1, "with the right one it is")
        equal(place.sql("SELECT to_regclass('items')"), "", "and production is as it was")


suite(*each_version(a_pull_request_goes_its_way), changed_files_are_judged_without_a_server, a_pull_request_in_a_workspace,
      a_migration_is_rehearsed_in_a_workspace, the_address_of_another_branch_is_found_out, at_once=2)
