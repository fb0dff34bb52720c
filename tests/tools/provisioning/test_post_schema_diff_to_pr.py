"""post_schema_diff_to_pr: one comment on each pull request, kept as the schemas are, whatever stands in them."""

import contextlib
import http.server
import json
import os
import re
import sys
import threading
import urllib.parse

from place import TESTS, VERSIONS, Local, Workspace, contains, equal, holds, suite

sys.path.insert(0, str(TESTS / "emulator"))
import harness  # noqa: E402

MARKER = "<!-- lakebaseops:schema-diff -->"
TARGETS = (("*", "shared"), ("production", "production"), ("ci-*", "throwaway"))


def site(url, ca=None, token=True):
    return (f'[http.github]\nurl = "{url}"\nkind = "github"\n' + ('token = { secret = "github" }\n' if token else "")
            + (f'ca = "{ca}"\n' if ca else "allow_plain = true\n"))


def secret(token):
    os.environ["LBOPS_TEST_GITHUB"] = token
    return 'github = { env = "LBOPS_TEST_GITHUB" }\n'


class GitHub:
    """The emulator's comments, looked at and changed as a person would."""

    def __init__(self, emulator):
        self.emulator, self.token = emulator, emulator.ready["github_token"]

    def call(self, method, path, body=None, **query):
        return self.emulator.call(method, f"/repos/acme/shop/{path}", body, query=query, token=self.token)

    def comments(self, number):
        return self.call("GET", f"issues/{number}/comments", per_page=100).json

    def ours(self, number):
        pages = [self.call("GET", f"issues/{number}/comments", per_page=100, page=page).json for page in (1, 2)]
        return [c["body"] for page in pages for c in page if c["body"].startswith(MARKER)]


def post(place, number=2, check=0, repository="acme/shop", **params):
    return place.run("post_schema_diff_to_pr", branch="", check=check, pr_number=number, repository=repository, **params)


def said(place, **params):
    done = post(place, **params)
    return done["result"]["action"], len(done["changes"])


def holds_together(body):
    """What GitHub would make of it: each fence that is opened is closed, and nothing of the database's is outside."""
    fence, outside = None, []
    for line in body.split("\n"):
        mark = re.match(r"(`{3,})", line)
        if fence is None and mark:
            fence = mark.group(1)
        elif fence is not None:
            if line.strip() == fence:
                fence = None
        else:
            outside.append(re.sub(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)", "", line))
    equal(fence, None, "a fence that is never closed")
    return "\n".join(outside)


def on_a_local_lakebase():
    with harness.Emulator() as emulator, Local(VERSIONS[-1], targets=TARGETS) as place:
        github = GitHub(emulator)
        place.write(f'[secrets]\n{secret(github.token)}{site(emulator.url, emulator.ca)}')
        place.sql("CREATE TABLE orders (id int PRIMARY KEY, note text)")
        place.run("create_branch_on_pr", branch="", pr_number=2, source_branch="production")
        place.sql("SELECT 1", branch="ci-pr-2")
        equal(said(place), ("none", 0), "nothing differs, and nothing was said")
        equal(github.comments(2), [], "comments")
        github.call("POST", "issues/2/comments", {"body": f"I like {MARKER}"})
        place.sql("ALTER TABLE orders ADD total bigint; ALTER TABLE orders DROP note;", branch="ci-pr-2")
        planned = post(place, plan=True)
        equal([planned["result"]["action"], planned["result"]["posted"]], ["created", False], "a plan")
        equal(len(github.comments(2)), 1, "comments after a plan")
        first = post(place)
        equal([first["result"][k] for k in ("action", "posted", "base", "has_changes")], ["created", True, "production", True],
              "the first one")
        contains(first["result"]["url"], "#issuecomment-")
        body = github.ours(2)[0]
        for part in ("`ci-pr-2` against `production`", "**Hazards**", "data loss", "DROP COLUMN note", "```sql", "total bigint"):
            contains(body, part)
        equal(said(place), ("unchanged", 0), "again")
        equal([len(github.comments(2)), github.ours(2)], [2, [body]], "comments")
        # Somebody edits it, and somebody's editor ends lines in another way.
        ident = [c["id"] for c in github.comments(2) if c["body"] == body][0]
        github.call("PATCH", f"issues/comments/{ident}", {"body": body.replace("\n", "\r\n") + "\r\n"})
        equal(said(place), ("unchanged", 0), "line ends")
        github.call("PATCH", f"issues/comments/{ident}", {"body": MARKER + "\nall is well"})
        equal(said(place), ("updated", 1), "what was edited")
        equal(github.ours(2), [body], "is as it was")
        # What differs has another shape now, and then nothing does.
        place.sql("CREATE INDEX ON orders (total)", branch="ci-pr-2")
        equal(said(place), ("updated", 1), "another difference")
        contains(github.ours(2)[0], "orders_total_idx")
        place.sql("ALTER TABLE orders DROP note, ADD total bigint; CREATE INDEX ON orders (total);")
        equal(said(place), ("updated", 1), "none any more")
        contains(github.ours(2)[0], "No differences")
        equal(said(place), ("unchanged", 0), "and again")
        rows = [r for r in place.waiting("audit_log") if r["kind"] == "api" and "github:" in r["statement"]]
        equal([r["statement"].split(" ")[0] for r in rows if r["phase"] == "outcome"], ["POST", "PATCH", "PATCH", "PATCH"], "audit")
        equal({r["effect"] for r in rows}, {"additive"}, "effect")
        holds(github.token not in json.dumps(rows), "no token in the audit log")


def a_marker_that_somebody_pasted_is_no_comment_of_ours(place, github):
    """What another one wrote stays as it is, and ours comes beside it; whoever the token is of."""
    def pasted(login, kind="User"):
        return github.emulator.control("POST", "github/comments", {"number": 4, "login": login, "type": kind, "body": MARKER + "\nmine"})

    place.run("create_branch_on_pr", branch="", pr_number=4, source_branch="production")
    place.sql("ALTER TABLE orders ADD more int", branch="ci-pr-4")
    theirs = pasted("mallory")
    first = post(place, number=4)
    equal([first["result"]["action"], first["result"]["posted"]], ["created", True], "theirs is none")
    contains(json.dumps(first["result"]["skipped"]), "written by mallory", theirs["html_url"])
    equal([body == MARKER + "\nmine" for body in github.ours(4)], [True, False], "theirs stands, and ours")
    equal(said(place, number=4), ("unchanged", 0), "ours is found behind theirs")
    github.emulator.control("POST", "github/identity", {"installation": True})
    equal(said(place, number=4), ("unchanged", 0), "a workflow's token is nobody's, but what it writes is by a bot")
    github.emulator.control("POST", "github/identity", {"installation": False})
    equal(said(place, number=4, author="LBOPS-bot"), ("unchanged", 0), "as it is given, in any case")
    planned = post(place, number=4, author="release-bot", plan=True)
    equal([planned["result"]["action"], len(planned["result"]["skipped"])], ["created", 2], "of another one there is none")
    equal(len(github.comments(4)), 2, "comments")


def what_stands_in_the_database_stays_there(place, github):
    nasty = 'x"```\n</details>\n@octocat <img src=x> [a](http://evil) `` '
    quoted = '"' + nasty.replace('"', '""') + '"'
    place.sql(f"CREATE TABLE {quoted} (id int); COMMENT ON TABLE {quoted} IS '@acme/all\n````\n# big'", branch="ci-pr-2")
    place.sql("ALTER TABLE orders DROP note", branch="ci-pr-2")
    equal(said(place), ("created", 1), "created")
    body = github.ours(2)[0]
    contains(body, "@octocat")
    outside = holds_together(body)
    for part in ("@", "<img", "evil", "# big"):
        holds(part not in outside.replace("### Schema", ""), f"{part} outside: {outside}")
    equal(outside.count("<details>"), outside.count("</details>"), "blocks")


def a_long_one_is_cut(place, github):
    made = "".join(f"CREATE TABLE long_table_number_{n} (id bigint PRIMARY KEY, some_column text NOT NULL DEFAULT 'é');\n"
                   for n in range(450))
    place.sql(made, branch="ci-pr-2")
    equal(said(place), ("updated", 1), "a long one")
    equal(len(github.ours(2)), 1, "still one, behind a hundred of others")
    body = github.ours(2)[0]
    holds(40000 < len(body.encode()) <= 65536, f"{len(body.encode())} bytes")
    contains(body, "**Cut here**")
    holds_together(body)
    equal(said(place), ("unchanged", 0), "again")


def what_is_wrong_is_said(place, github):
    for bad in ("acme", "/shop", "acme/..", "acme/shop?x"):
        contains(post(place, check=1, repository=bad)["error"]["message"], "is no repository")
    for bad in ("0", "x", "1.5"):
        done = place.cli("run", "post_schema_diff_to_pr", "--pr_number", bad, "--repository", "acme/shop")
        equal(done.returncode, 2, f"--pr_number {bad!r}")
    contains(post(place, check=1, number=9)["error"]["message"], "shop has no branch ci-pr-9")
    contains(post(place, check=1, pr_branch="production")["error"]["hint"], "--base_branch")
    for number, repository in ((3, "acme/shop"), (99, "acme/shop"), (2, "acme/other")):  # 3 is an issue
        failed = post(place, check=1, number=number, repository=repository, pr_branch="ci-pr-2")["error"]
        equal(failed["code"], "not_found", f"{repository}#{number}")
        contains(failed["hint"], "'pull-requests: write' in a workflow")
    other = post(place, check=1, service="gitlab")["error"]
    contains(other["message"], "names no web service gitlab")
    contains(other["hint"], "[http.gitlab]")
    os.environ["LBOPS_TEST_GITHUB"] = "ghp_expired0token"
    failed = post(place, check=1)["error"]
    equal(failed["code"], "denied", "a token that is none")
    contains(failed["message"], "Bad credentials")
    holds("ghp_" not in json.dumps(failed), "no token in an error")
    os.environ["LBOPS_TEST_GITHUB"] = github.token


def a_rehearsal_is_told_there_too():
    """test_migration_on_branch says on the pull request what it measured, in that same comment."""
    with harness.Emulator() as emulator, Local(VERSIONS[-1], targets=TARGETS) as place:
        github, files = GitHub(emulator), place.dir / "files"
        place.write(f'[secrets]\n{secret(github.token)}{site(emulator.url, emulator.ca)}')
        place.sql("CREATE TABLE orders (id int PRIMARY KEY)")
        files.mkdir()
        (files / "V1__note.sql").write_text("ALTER TABLE public.orders ADD COLUMN IF NOT EXISTS note text;\n")
        (files / "U1__note.sql").write_text("ALTER TABLE public.orders DROP COLUMN IF EXISTS note;\n")

        def rehearse(check=0, **more):
            return place.run("test_migration_on_branch", branch="", check=check, dir=files, branch_name="ci-pr-6",
                             source_branch="production", pr_number=6, **more)

        contains(rehearse(check=1)["error"]["message"], "whose pull request 6 is")
        equal(sorted(place.branches()), ["production"], "no branch is made for that")
        planned = rehearse(plan=True, repository="acme/shop")
        equal([github.comments(6), sorted(place.branches())], [[], ["production"]], f"a plan says nothing: {planned['changes']}")
        first = rehearse(repository="acme/shop")["result"]
        equal(first["comment"], "created", "the first time")
        contains(first["comment_url"], "#issuecomment-")
        body, = github.ours(6)
        contains(body, "## Migration rehearsal: passed", "### Locks", "### Rollback", "`ci-pr-6` against `production`", "note text")
        holds_together(body)
        (files / "V2__bad.sql").write_text("SELECT 1/0;\n")
        failed = rehearse(check=1, repository="acme/shop")
        contains(failed["error"]["message"], "the migration failed")
        body, = github.ours(6)
        contains(body, "## Migration rehearsal: failed", "division by zero")


class Connected(Workspace):
    """A workspace that psql gets into as the tools do: as the principal, with a credential of the branch's own."""

    def url(self, branch=None):
        place, emulator, ready = branch or self.branch, self.emulator, self.emulator.ready
        words = {"grant_type": "client_credentials", "scope": "all-apis", "client_id": ready["client_id"],
                 "client_secret": ready["client_secret"]}
        bearer = emulator.call("POST", "/oidc/v1/token", urllib.parse.urlencode(words).encode(), token=None,
                               headers={"Content-Type": "application/x-www-form-urlencoded"}).json["access_token"]
        password = emulator.credential(f"projects/{self.own}/branches/{place}/endpoints/primary", bearer)
        rest = self.cli("target", "dsn", place, "--wake", check=0).stdout.strip().partition("@")[2]
        return (f"postgresql://{ready['client_id']}:{urllib.parse.quote(password, safe='')}@{rest}"
                f"&sslrootcert={ready['pg_ca_file']}")


def in_a_workspace():
    with Connected() as place:
        github = GitHub(place.emulator)
        place.write(secret(github.token) + site(place.emulator.url, place.emulator.ca))
        place.project()
        place.sql("CREATE TABLE orders (id int PRIMARY KEY, note text)")
        place.run("create_branch_on_pr", branch="", pr_number=2, source_branch="production")
        for number in range(105):  # ours comes behind the first page of a hundred
            github.call("POST", "issues/2/comments", {"body": f"number {number}"})
        a_marker_that_somebody_pasted_is_no_comment_of_ours(place, github)
        what_stands_in_the_database_stays_there(place, github)
        a_long_one_is_cut(place, github)
        what_is_wrong_is_said(place, github)


class Scripted(http.server.BaseHTTPRequestHandler):
    """A server of a person's own on this machine, which answers as it is told to."""
    protocol_version = "HTTP/1.1"

    def answer(self):
        length = int(self.headers.get("Content-Length") or 0)
        self.server.heard.append((self.command, self.path, self.headers.get("Authorization"), self.rfile.read(length)))
        status, headers, body = self.server.script(self.command, self.path)
        text = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(text)), "Content-Type": "application/json"}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = do_PATCH = answer

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def scripted(script):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Scripted)
    server.script, server.heard = script, []
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def with_rights_that_end_at_reading():
    limited = []

    def script(method, path):
        if method == "GET" and not limited:
            limited.append(path)
            return 429, {"Retry-After": "0"}, {"message": "slow down"}
        if method == "GET":
            return 200, {}, [] if "/comments" in path else {"number": 2}
        return 403, {"X-GitHub-Request-Id": "C0DE:1"}, {"message": "Resource not accessible by integration"}

    with scripted(script) as server, Local(VERSIONS[-1], targets=TARGETS) as place:
        place.write(f"[secrets]\n{secret('ghp_reader0only')}{site(f'http://127.0.0.1:{server.server_port}')}")
        place.sql("CREATE TABLE orders (id int)")
        place.run("create_branch_on_pr", branch="", pr_number=2, source_branch="production")
        place.sql("ALTER TABLE orders ADD note text", branch="ci-pr-2")
        failed = post(place, check=1)["error"]
        equal(failed["code"], "denied", "code")
        contains(failed["message"], "Resource not accessible by integration (request C0DE:1)")
        contains(failed["hint"], "'pull-requests: write'")
        equal([h[0] for h in server.heard], ["GET", "GET", "GET", "POST"], "calls: the first was asked to come back")
        equal({h[2] for h in server.heard}, {"Bearer ghp_reader0only"}, "the token goes along")
        contains(server.heard[-1][3].decode(), MARKER)
        rows = [r for r in place.waiting("audit_log") if r["phase"] == "outcome" and "github:" in r["statement"]]
        equal([(r["outcome"], r["error_code"]) for r in rows], [("failed", "denied")], "audit")
        check = place.cli("check", check=0).stdout
        contains(check, "the web service github is called without TLS")
        recorded = place.dir / "recorded"
        place.cli("run", "post_schema_diff_to_pr", "--pr_number", "2", "--repository", "acme/shop", "--record", recorded, check=1)
        calls = json.loads((recorded / "http" / "github.json").read_text())
        equal([(c["method"], "error" in c) for c in calls], [("GET", False), ("GET", False), ("POST", True)], "recorded")
        holds("ghp_" not in (recorded / "http" / "github.json").read_text(), "no token in fixtures")


suite(on_a_local_lakebase, a_rehearsal_is_told_there_too, in_a_workspace, with_rights_that_end_at_reading)
