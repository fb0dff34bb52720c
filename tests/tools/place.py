"""Tools on real servers: a workspace of a test's own, runs as people start them, and a look at the world afterwards.

    def finds_it(version):
        with Given(version) as place:
            place.sql("CREATE TABLE t (id int)")
            found = place.run("example_tables", min_bytes=0)["result"]["findings"]
            equal(len(found), 1, "tables")

    suite(*each_version(finds_it))
"""

import atexit
import base64
import collections
import contextlib
import itertools
import json
import os
import pathlib
import subprocess
import sys
import tempfile

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS / "harness"))
from suite import contains, equal, holds, remove, skip, suite  # noqa: E402,F401  what tests say things with

PROGRAM = os.environ["LBOPS_PROGRAM"]
PLUGINS = os.environ["LBOPS_PLUGINS"]
if os.environ.get("LBOPS_WATCHES"):  # it looks at whole servers, which nobody else uses then
    WATCHED = f"LBOPS_WATCHED{os.environ['LBOPS_WATCHES']}_PG"
    os.environ.update({f"LBOPS_TEST_PG{name.removeprefix(WATCHED)}": url for name, url in os.environ.items()
                       if name.startswith(WATCHED)})
VERSIONS = [v for v in (15, 16, 17, 18) if os.environ.get(f"LBOPS_TEST_PG{v}")]
if os.environ.get("LBOPS_SANITIZED"):  # what sanitizers look for does not depend on the server
    VERSIONS = VERSIONS[-1:]
elif os.environ.get("LBOPS_SHARES_VERSIONS") and os.environ.get("LBOPS_SANITIZED_TOO"):
    VERSIONS = VERSIONS[:-1] or VERSIONS  # the whole check has the newest one under sanitizers, and the others here
PATIENCE = 300 if os.environ.get("LBOPS_SANITIZED") else 120
COUNTER = itertools.count(1)
OF_WORKSPACE = {}  # tool: does it work on the workspace as a whole?
RAN = collections.defaultdict(set)  # tool: where it was really run, for the table at the end of the whole check

MANIFEST = """
[workspace]
name = "test"
state_dir = "{state}"
plugins = ["{plugins}"]

[services.transport]
{transport}

{targets}
{more}
"""


@atexit.register
def tell_what_ran():
    for tool, places in sorted(RAN.items()):
        print(f"  ran {tool} on {', '.join(sorted(places))}", flush=True)


def each_version(*tests):
    """Each test once for each server version at hand, which is its argument and the end of its name."""
    def bind(test, version):
        def bound():
            test(version)
        bound.__name__ = f"{test.__name__}_on_{version}"
        return bound
    if not VERSIONS:
        sys.exit(77)
    return [bind(test, version) for test in tests for version in VERSIONS]


def target(project, branch, kind, pattern=False):
    return (f'[[targets]]\nproject = "{project}"\nbranch = "{branch}"\n'
            + (f'class = "{kind}"\n' if kind else "") + ("pattern = true\n" if pattern else ""))


class Place:
    """A folder with a manifest and state. branch: where runs and statements go when they do not say."""

    where = "somewhere"  # what the table of tools that ran calls it

    def __init__(self, transport, targets, more="", branch=None):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="lbops-tools-"))
        self.state = self.dir / "state"
        self.manifest = self.dir / "lbops.toml"
        self.transport, self.targets, self.more, self.branch = transport, targets, more, branch
        self.write()

    def write(self, more=None):
        """The manifest again, with other additions."""
        self.more = self.more if more is None else more
        self.manifest.write_text(MANIFEST.format(state=self.state, plugins=PLUGINS, transport=self.transport,
                                                 targets=self.targets, more=self.more))

    def cli(self, *words, check=None, env=None, text=None):
        done = subprocess.run([PROGRAM, "-m", str(self.manifest), *map(str, words)], capture_output=True, text=True,
                              input=text, timeout=PATIENCE, check=False, env={**os.environ, **(env or {})})
        if "run" in words and "--plan" not in words and done.returncode in (0, 3):
            RAN[words[words.index("run") + 1]].add(self.where)
        if check is not None and done.returncode != check:
            raise AssertionError(f"lbops {' '.join(map(str, words))}: exit {done.returncode}, not {check}\n"
                                 f"{done.stdout[-3000:]}{done.stderr[-3000:]}")
        return done

    def start(self, *words, said=subprocess.DEVNULL):
        """The program on its own: kill it, or wait for it."""
        return subprocess.Popen([PROGRAM, "-m", str(self.manifest), *map(str, words)], stdout=said, stderr=said)

    def run(self, tool, plan=False, check=0, branch=None, project=None, env=None, **params):
        """One run's document. Lists and objects are given as JSON; exit code check, None for any."""
        words = ["--json", "run", tool]
        if branch is None and self.branch and not self.is_of_workspace(tool, env):
            branch = self.branch
        words += ["--branch", branch] if branch else []
        words += ["--project", project] if project else []
        words += ["--plan"] if plan else []
        for name, value in params.items():
            plain = json.dumps(value) if isinstance(value, (list, dict, bool)) else str(value)
            words += [f"--{name}", plain]
        done = self.cli(*words, check=check, env=env)
        return json.loads(done.stdout) if done.stdout.strip() else {"error": {"message": done.stderr}}

    def is_of_workspace(self, tool, env=None):
        """Such a tool takes no branch. With a manifest that is wrong nobody can tell, and it does not matter."""
        if tool not in OF_WORKSPACE:
            asked = self.cli("--json", "tools", env=env)
            OF_WORKSPACE.update({t["name"]: t["workspace"] for t in json.loads(asked.stdout)} if asked.returncode == 0 else {})
        return OF_WORKSPACE.get(tool, False)

    def findings(self, tool, **params):
        return self.run(tool, **params)["result"].get("findings", [])

    def approvals(self):
        return json.loads(self.cli("--json", "approvals", check=0).stdout)

    def approve(self, request, check=0):
        return self.cli("--json", "approve", request, "--as", "anna", "--because", "it was looked at", check=check)

    def waiting(self, table):
        """Rows of history that wait in the outbox."""
        found = []
        for path in sorted((self.state / "outbox" / table).glob("*.ndjson")):
            found += [json.loads(line) for line in path.read_text().splitlines()[1:]]
        return found

    def history(self, question):
        """Rows of an answer of lbops sql, as objects."""
        out = self.cli("--json", "sql", question, check=0).stdout
        return json.loads(out)

    def url(self, branch=None):
        raise NotImplementedError

    def psql(self, *words, branch=None, check=True, text=None):
        done = subprocess.run(["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", self.url(branch), *words],
                              capture_output=True, text=True, input=text, timeout=PATIENCE, check=False)
        if check:
            equal(done.returncode, 0, f"psql {' '.join(words)}{text or ''}: {done.stderr}")
        return done.stdout.strip()

    def sql(self, text, branch=None):
        """Statements as one psql run; what they print, without headings."""
        return self.psql(branch=branch, text=text)

    def session(self, branch=None):
        """A psql that stays, for somebody who holds a lock or idles: write to stdin, read from stdout."""
        return subprocess.Popen(["psql", "-XAtq", "-d", self.url(branch)], stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, bufsize=1)

    def close(self):
        remove(self.dir)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        self.close()


class Given(Place):
    """A database of its own on a server of the harness. There the branch is the database."""

    def __init__(self, version, kind="production", more=""):
        self.where = f"Postgres {version}"
        self.server = os.environ[f"LBOPS_TEST_PG{version}"]
        self.database = f"lbops_tools_{os.getpid()}_{next(COUNTER)}"
        self.at_server(f"CREATE DATABASE {self.database}")
        super().__init__(f'plugin = "transport_local"\ndsn = {{ secret = "server" }}',
                         target("shop", self.database, kind)
                         + f'[secrets]\nserver = {{ env = "LBOPS_TEST_PG{version}" }}\n', more, self.database)

    def at_server(self, text):
        done = subprocess.run(["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", self.server, "-c", text],
                              capture_output=True, text=True, timeout=PATIENCE, check=False)
        equal(done.returncode, 0, f"{text}: {done.stderr}")
        return done.stdout.strip()

    def url(self, branch=None):
        """The harness' URL with another database."""
        head, mark, tail = self.server.partition("?")
        return f"{head.rsplit('/', 1)[0]}/{branch or self.database}{mark}{tail}"

    def close(self):
        super().close()
        with contextlib.suppress(AssertionError):
            self.at_server(f"DROP DATABASE IF EXISTS {self.database} WITH (FORCE)")


class Local(Place):
    """A local Lakebase: a server for each branch. targets: (branch, class) of project; patterns have a *."""

    def __init__(self, version, project="shop", targets=(("production", "production"), ("*", "shared")), more=""):
        self.where = f"local {version}"
        super().__init__(f'plugin = "transport_local"\nprojects = ["{project}"]\nversion = {version}\nlinger_s = 5',
                         "".join(target(project, b, k, "*" in b) for b, k in targets), more, "production")
        self.project = project

    def url(self, branch=None):
        return self.cli("target", "dsn", branch or self.branch, "--wake", check=0).stdout.strip()

    def branches(self):
        listed = json.loads(self.cli("--json", "target", "ls", check=0).stdout)["result"]["targets"]
        return {t["branch"]: t for t in listed}

class Workspace(Place):
    """An emulated workspace with Lakebase, on loopback. What it holds is asked of its API."""

    where = "a workspace"

    def __init__(self, more="", targets=(("production", "production"), ("ci-*", "throwaway"), ("*", None)), project="shop",
                 **settings):
        sys.path.insert(0, str(TESTS / "emulator"))
        import harness  # noqa: PLC0415  the emulator's own, for those who need it alone
        options = [word for name, value in {"operation_s": 0, "settle_s": 0.02, **settings}.items()
                   for word in ("--set", f"{name}={value}")]
        self.emulator = harness.Emulator(*options)
        ready = self.emulator.ready
        super().__init__(f'plugin = "transport_lakebase"\nhost = "{ready["url"]}"\nclient_id = "{ready["client_id"]}"\n'
                         f'client_secret = {{ secret = "principal" }}\nca_file = "{ready["ca_file"]}"\n'
                         "poll_ms = 20\nretry_pause_ms = 20",
                         "".join(target(project, b, k, "*" in b) for b, k in targets)
                         + '[secrets]\nprincipal = { env = "LBOPS_TEST_SECRET" }\n', more, "production")
        self.own = project

    def cli(self, *words, env=None, **more):
        return super().cli(*words, env={"LBOPS_TEST_SECRET": self.emulator.ready["client_secret"], **(env or {})}, **more)

    def project(self, name="shop", version=None):
        """A project of ours: who makes one has a role on it. version: of its servers, where it matters."""
        if version:
            self.emulator.finish(self.emulator.call("POST", "/api/2.0/postgres/projects", {"spec": {"pg_version": version}},
                                                    {"project_id": name}, token=self.token()))
        else:
            self.cli("target", "create", "--project", name, check=0)
        self.emulator.settled(f"projects/{name}/branches/production/endpoints/primary")

    def token(self):
        """Of the service principal that lbops is there."""
        ready = self.emulator.ready
        basic = base64.b64encode(f"{ready['client_id']}:{ready['client_secret']}".encode()).decode()
        return self.emulator.call("POST", "/oidc/v1/token", b"grant_type=client_credentials&scope=all-apis", token=None,
                                  headers={"Authorization": f"Basic {basic}",
                                           "Content-Type": "application/x-www-form-urlencoded"}).json["access_token"]

    def url(self, branch=None, endpoint="primary"):
        """psql as that service principal."""
        ready, endpoint = self.emulator.ready, f"projects/{self.own}/branches/{branch or 'production'}/endpoints/{endpoint}"
        host = self.emulator.postgres("GET", endpoint).json["status"]["hosts"]["host"]
        return (f"host={host} dbname=databricks_postgres user={ready['client_id']} sslmode=verify-full "
                f"sslrootcert={ready['pg_ca_file']} password={self.emulator.credential(endpoint, self.token())}")

    def start(self, *words, **more):
        os.environ["LBOPS_TEST_SECRET"] = self.emulator.ready["client_secret"]
        return super().start(*words, **more)

    def killed(self, seen, *words):
        """A run that is killed once `seen`, a look at the world, holds."""
        from harness import until  # noqa: PLC0415
        said = self.dir / "said"
        with open(said, "wb") as file, self.start(*words, said=file) as run:
            until(lambda: seen() or run.poll() is not None)
            ended = run.poll()
            run.kill()
        if ended is not None:
            raise AssertionError(f"it ended before that could be seen: exit {ended}: {said.read_text()}")

    def branches(self, project=None):
        """By name, those that were deleted softly too: the document of the API."""
        found, token = {}, None
        while token is None or token:
            query = {"show_deleted": "true", **({"page_token": token} if token else {})}
            page = self.emulator.postgres("GET", f"projects/{project or self.own}/branches", **query).json
            found.update({b["name"].rsplit("/", 1)[1]: {**b, **b["status"]} for b in page.get("branches", [])})
            token = page.get("next_page_token", "")
        return found

    def close(self):
        super().close()
        self.emulator.stop()
