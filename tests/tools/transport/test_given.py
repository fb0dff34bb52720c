"""Branches on a server that is given: databases made from templates, with nobody's session ended."""

import contextlib
import functools
import json
import os
import subprocess
import threading

from place import VERSIONS, Given, contains, each_version, equal, holds, suite, target

import control_probe  # place has told where that is


class Server(Given):
    """A database of the harness' server that is production, and branches of it that are gone at the end."""

    def __init__(self, version, role="postgres"):
        super().__init__(version)
        self.role = role
        head, _, tail = self.server.partition("://")
        place = tail.partition("@")[2].rsplit("/", 1)[0]
        self.dsn = f"{head}://{role}@{place}/{self.database}"
        self.transport = 'plugin = "transport_local"\nprojects = ["shop"]\ndsn = { secret = "server" }'
        self.targets = (target("shop", self.database, "production") + target("shop", "*", "", pattern=True)
                        + target("shop", "ci-*", "throwaway", pattern=True)
                        + '[secrets]\nserver = { env = "GIVEN_DSN" }\n')
        self.made = []
        self.write()
        self.probe = None

    def cli(self, *words, check=None, env=None, text=None):
        return super().cli(*words, check=check, env={"GIVEN_DSN": self.dsn, **(env or {})}, text=text)

    def name(self, short):
        """Names are the server's: one for this test alone."""
        name = f"ci-{short}-{self.database.rsplit('_', 2)[1]}-{self.database.rsplit('_', 1)[1]}"
        self.made.append(name)
        return name

    def control(self):
        if self.probe is None:
            self.probe = control_probe.Transport([control_probe.program(), "transport_local", str(self.dir),
                                                  f"dsn={self.dsn}", "lock_timeout_ms=200"])
        return self.probe

    def ask(self, method, path, query=None, body=None):
        return self.control().ask(method, f"projects/given/{path}", query, body)

    def branches(self):
        listed = json.loads(self.cli("--json", "target", "ls", check=0).stdout)["result"]["targets"]
        return {t["branch"]: t for t in listed}

    def make(self, short, *words):
        name = self.name(short)
        self.cli("target", "create", name, *(words or ("--ttl", "1h")), check=0)
        return name

    def databases(self):
        return self.at_server("SELECT datname FROM pg_database").splitlines()

    def comment(self, name):
        return self.at_server("SELECT shobj_description(oid, 'pg_database') FROM pg_database "
                              f"WHERE datname = '{name}'")

    def rewrite(self, name, change):
        """The comment of a branch with something else in its document."""
        head, _, document = self.comment(name).partition("{")
        document = json.loads("{" + document)
        change(document)
        said = (head + json.dumps(document)).replace("'", "''")
        self.at_server(f"""COMMENT ON DATABASE "{name}" IS '{said}'""")

    def close(self):
        if self.probe is not None:
            self.probe.close()
        for name in self.made:
            with contextlib.suppress(AssertionError):
                self.at_server(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        super().close()


@contextlib.contextmanager
def somebody(place, database, application="anna at work"):
    """A person's session that idles in a database, and that has to be there at the end."""
    url = place.url(database)
    child = subprocess.Popen(["psql", "-XAtq", "-d", url], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True, bufsize=1,
                             env={**os.environ, "PGAPPNAME": application})
    child.stdin.write("SELECT 'here';\n")
    equal(child.stdout.readline().strip(), "here", "a session")
    try:
        yield child
    finally:
        child.stdin.close()
        child.wait()
        child.stdout.close()


def still_there(child):
    child.stdin.write("SELECT 'still';\n")
    equal(child.stdout.readline().strip(), "still", "the session goes on")


def said(done):
    return done.stdout + done.stderr


def gone(place, database):
    """Waits for the server to have seen a session's end."""
    for _ in range(400):
        if place.at_server("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND "
                           f"datname = '{database}'") == "0":
            return
    raise AssertionError(f"{database} keeps its sessions")


# ---- the life of a branch


def lives(version):
    with Server(version) as place:
        place.sql("CREATE TABLE t (n int); INSERT INTO t VALUES (7)")
        place.at_server(f"ALTER DATABASE {place.database} SET search_path = 'Odd Name', public")
        place.at_server(f"ALTER DATABASE {place.database} SET work_mem = '12MB'")
        place.at_server(f"REVOKE CONNECT ON DATABASE {place.database} FROM PUBLIC")
        plan = place.cli("target", "create", place.name("one"), "--ttl", "1h", "--plan", check=0)
        contains(plan.stdout, "POST projects/shop/branches?branch_id=ci-one")
        holds(place.made[0] not in place.databases(), "a plan makes nothing")
        name = place.make("two")
        listed = place.branches()
        own, new = listed[place.database], listed[name]
        equal((own["state"], own["default"], own["protected"], own["source"]), ("READY", True, True, None), "root")
        equal((new["state"], new["compute"], new["default"], new["protected"], new["source"]),
              ("READY", "ACTIVE", False, False, place.database), "branch")
        holds(new["expire_time"] and new["bytes"] > 0, f"expiry and size: {new}")
        url = place.cli("target", "dsn", name, check=0).stdout.strip()
        holds("password" not in url and url.startswith("postgresql://postgres@"), url)
        done = subprocess.run(["psql", "-XAtq", "-d", url, "-c", "SELECT n FROM t"], capture_output=True, text=True,
                              check=True)
        equal(done.stdout.strip(), "7", "the data came along")
        equal(place.sql("SHOW search_path", name), '"Odd Name", public', "a list of names")
        equal(place.sql("SHOW work_mem", name), "12MB", "a setting")
        equal(place.sql("SELECT has_database_privilege('pg_monitor', current_database(), 'CONNECT')", name), "f",
              "what nobody may enter, nobody may enter in a copy")
        gone(place, name)
        equal(place.run("example_tables", branch=name, min_bytes=0)["status"], "ok", "a tool runs there")
        place.cli("target", "delete", name, check=0)
        holds(name not in place.databases(), "it is gone")
        contains(said(place.cli("target", "delete", name)), f"there is no branch shop/{name}")
        equal(json.loads(place.cli("--json", "target", "ls", check=0).stdout)["result"].get("unfinished"), None, "resets")


def resets(version):
    with Server(version) as place:
        name = place.make("reset", "--ttl", "2h")
        place.sql("CREATE TABLE mine ()", name)
        place.sql("CREATE TABLE theirs ()")
        gone(place, name)
        gone(place, place.database)
        before, uid = place.branches()[name], json.loads("{" + place.comment(name).partition("{")[2])["branch"]["uid"]
        with somebody(place, place.database) as person:
            refused = said(place.cli("target", "reset", name, check=1))
            contains(refused, "nothing was deleted", "anna at work")
            still_there(person)
            equal(place.sql("SELECT to_regclass('mine')", name), "mine", "nothing was deleted")
            gone(place, name)
        gone(place, place.database)
        with somebody(place, name):
            contains(said(place.cli("target", "reset", name, check=1)), "anna at work")
            equal(list((place.state / "resets").iterdir()), [], "nothing was begun that another reset would have to finish")
        gone(place, name)
        place.cli("target", "reset", name, check=0)
        equal(place.sql("SELECT to_regclass('mine'), to_regclass('theirs')", name), "|theirs", "it is the parent's")
        after = place.branches()[name]
        equal((after["expire_time"], after["source"]), (before["expire_time"], before["source"]), "what it was")
        holds(json.loads("{" + place.comment(name).partition("{")[2])["branch"]["uid"] != uid, "another branch")


# ---- nobody's session is ended


def others_are_in_the_way(version):
    with Server(version) as place:
        with somebody(place, place.database) as person:
            name = place.name("busy")
            refused = place.cli("--json", "target", "create", name, "--ttl", "1h", check=1)
            error = json.loads(refused.stdout)["error"]
            equal(error["code"], "conflict", error)
            contains(error["message"], "409 INVALID_STATE", "1 session is connected", "postgres (anna at work, pid ")
            contains(error["hint"], "nobody's session is ended")
            still_there(person)
            holds(name not in place.databases(), "nothing was made")
        gone(place, place.database)
        name = place.make("free")
        with somebody(place, name) as person:
            contains(said(place.cli("target", "delete", name, check=1)), "anna at work", "nobody's session is ended")
            for query in ({"purge": "true"}, None):
                equal(place.ask("DELETE", f"branches/{name}", query)["name"], "conflict", "delete")
            contains(place.ask("GET", f"branches/{name}")["reply"]["status"]["in_use_by"], "1: postgres (anna at work")
            still_there(person)
        gone(place, name)
        place.cli("target", "delete", name, check=0)


def our_own_make_room(version):
    with Server(version) as place:
        with somebody(place, place.database, "lbops/example_tables"):
            name = place.make("room")
        with somebody(place, name, "lbops/example_tables") as ours:
            ours.stdin.write("BEGIN; SELECT 'in';\n")
            equal(ours.stdout.readline().strip(), "in", "a transaction")
            equal(place.ask("DELETE", f"branches/{name}", {"purge": "true"})["name"], "conflict", "one that works stays")
            still_there(ours)
        gone(place, name)
        place.cli("target", "delete", name, check=0)


# ---- what is not ours


def foreign_databases_stay(version):
    with Server(version) as place:
        other = place.database + " Other/One"
        place.at_server(f'CREATE DATABASE "{other}"')
        place.made.append(other)
        word = "projects/given/branches/" + other.replace(" ", "%20").replace("/", "%2F")
        listed = {b["branch_id"]: b for b in place.ask("GET", "branches", {"page_size": "100"})["reply"]["branches"]}
        equal(listed[other]["name"], word, "its name in a path")
        equal((listed[other]["status"]["is_protected"], listed[other]["status"].get("default")), (True, False), "class")
        control = place.control()
        equal(control.ask("GET", word + "/endpoints/primary")["name"], "ok", "its endpoint")
        for database in (word, f"projects/given/branches/{place.database}"):
            for query in ({"purge": "true"}, None):
                refused = control.ask("DELETE", database, query)
                equal(refused["name"], "invalid", refused)
                contains(refused["message"], "400 BAD_REQUEST", "Root branches cannot be deleted")
            refused = control.ask("PATCH", database, {"update_mask": "spec.is_protected"}, {"spec": {"is_protected": False}})
            contains(refused["message"], "400 BAD_REQUEST", "was not made as a branch")
        made = place.ask("POST", "branches", {"branch_id": place.name("odd")},
                         {"spec": {"source_branch": word, "ttl": "3600s"}})
        equal(made["name"], "ok", made)
        contains(said(place.cli("target", "delete", other)), "approve")
        holds(other in place.databases(), "it is still there")
        equal(place.ask("POST", "branches", {"branch_id": "postgres"}, {"spec": {"no_expiry": True}})["name"], "conflict",
              "a name that a database has")


def copies_of_a_comment_are_none(version=VERSIONS[-1]):
    """Renamed or restored, a database is its owner's."""
    with Server(version) as place:
        name, moved, restored = place.make("mark"), place.name("moved"), place.name("restored")
        said = place.comment(name).replace("'", "''")
        place.at_server(f'CREATE DATABASE "{restored}"')
        place.at_server(f"""COMMENT ON DATABASE "{restored}" IS '{said.replace(name, restored)}'""")
        place.at_server(f'ALTER DATABASE "{name}" RENAME TO "{moved}"')
        for database in (moved, restored):
            equal(place.ask("DELETE", f"branches/{database}", {"purge": "true"})["name"], "invalid", database)
            holds(database in place.databases(), database)


# ---- time and accidents


def expires(version):
    def over(document):
        document["branch"]["status"]["expire_time"] = "2020-01-01T00:00:00Z"

    with Server(version) as place:
        name = place.make("short")
        place.rewrite(name, over)
        with somebody(place, name) as person:
            holds(name in place.branches(), "while it is in use it stays")
            still_there(person)
        gone(place, name)
        holds(name not in place.branches(), "its time is over")
        holds(name not in place.databases(), "and so is the database")
        name = place.make("tool")
        place.rewrite(name, over)
        late = place.run("example_tables", branch=name, check=1)
        equal(late["error"]["code"], "not_found", "a run is the first to look")
        holds(name not in place.databases(), "the database is gone then too")


def leftovers_go(version=VERSIONS[-1]):
    with Server(version) as place:
        place.at_server('CREATE DATABASE "lbops making br-died"')
        place.made.append("lbops making br-died")
        holds("lbops making br-died" not in place.branches(), "it is no branch")
        holds("lbops making br-died" not in place.databases(), "the next look takes it away")
        with somebody(place, place.database, "lbops/other") as other:
            other.stdin.write("SELECT 'locked' FROM (SELECT pg_advisory_lock(465725354099)) l;\n")
            equal(other.stdout.readline().strip(), "locked", "the lock")
            place.at_server('CREATE DATABASE "lbops making br-now"')
            place.made.append("lbops making br-now")
            holds(place.branches(), "reading waits for nobody")
            holds("lbops making br-now" in place.databases(), "who makes it is at work")
            refused = place.ask("POST", "branches", {"branch_id": place.name("late")}, {"spec": {"ttl": "3600s"}})
            contains(refused["message"], "409 ABORTED", "somebody else is changing branches")


def deleted_softly(version):
    with Server(version) as place:
        name = place.make("soft")
        equal(place.ask("DELETE", f"branches/{name}")["reply"]["response"]["status"]["current_state"], "DELETED", "state")
        holds(name not in place.branches(), "it is not listed")
        equal(place.at_server(f"SELECT datallowconn FROM pg_database WHERE datname = '{name}'"), "f", "nobody enters it")
        refused = place.run("example_tables", branch=name, check=None)
        holds(refused["status"] if "status" in refused else refused["error"], "no run either")
        equal(place.ask("POST", "branches", {"branch_id": name}, {"spec": {"ttl": "60s"}})["name"], "conflict", "its name")
        equal(place.ask("POST", f"branches/{name}/undelete")["name"], "ok", "undelete")
        equal(place.sql("SELECT 1", name), "1", "open again")
        gone(place, name)
        equal(place.ask("POST", f"branches/{name}/undelete")["name"], "invalid", "twice")
        equal(place.ask("DELETE", f"branches/{name}")["name"], "ok", "again")
        place.rewrite(name, lambda d: d["branch"]["status"].update(purge_time="2020-01-01T00:00:00Z"))
        holds(name not in place.branches() and name not in place.databases(), "purged when its time has come")


# ---- rules and refusals


def keeps_the_rules(version=VERSIONS[-1]):
    with Server(version) as place:
        def post(name, **spec):
            return place.ask("POST", "branches", {"branch_id": name}, {"spec": spec})

        parent, leaf = place.name("parent"), place.name("leaf")
        for name, spec in (("Bad", {"no_expiry": True}), (parent, {}), (parent, {"ttl": "60s", "no_expiry": True}),
                           (parent, {"no_expiry": False}), (parent, {"ttl": "2592100s"})):
            equal(post(name, **spec)["name"], "invalid", f"{name} {spec}")
        source = f"projects/given/branches/{parent}"
        equal(post(parent, no_expiry=True, source_branch="projects/given/branches/none")["name"], "not_found", "source")
        equal(post(parent, no_expiry=True)["reply"]["response"]["status"]["current_state"], "READY", "made")
        equal(post(leaf, ttl="3600s", source_branch=source)["name"], "ok", "a branch of a branch")
        equal(post(place.name("twig"), no_expiry=True, source_branch=f"projects/given/branches/{leaf}")["name"], "invalid",
              "no children under what expires")
        equal(place.ask("DELETE", f"branches/{parent}", {"purge": "true"})["name"], "invalid", "children")
        protect = {"spec": {"is_protected": True}}
        equal(place.ask("PATCH", f"branches/{leaf}", {"update_mask": "spec.is_protected"}, protect)["name"], "invalid",
              "what expires is not protected")
        equal(place.ask("PATCH", f"branches/{parent}", {"update_mask": "spec.is_protected"}, protect)["name"], "ok", "on")
        equal(place.branches()[parent]["protected"], True, "protection is kept")
        equal(place.ask("DELETE", f"branches/{parent}", {"purge": "true"})["name"], "invalid", "protected")
        for method, path, query in (("POST", "projects", {"project_id": "two"}), ("DELETE", "projects/given", None),
                                    ("POST", f"projects/given/branches/{leaf}/endpoints", {"endpoint_id": "r"}),
                                    ("PATCH", f"projects/given/branches/{leaf}/endpoints/primary", {"update_mask": "spec.suspension"}),
                                    ("GET", f"projects/given/branches/{leaf}/roles", None), ("POST", "credentials", None)):
            refused = place.control().ask(method, path, query, {"spec": {}})
            equal(refused["name"], "unsupported", f"{method} {path}: {refused}")
            contains(refused["hint"], "leave the dsn out")
        equal(post(place.name("past"), no_expiry=True, source_branch_time="2026-01-01T00:00:00Z")["name"], "unsupported", "PITR")
        for path in ("projects/other/branches", "projects/given/operations/x",
                     "projects/given/branches/none", f"projects/given/branches/{leaf}/endpoints/second",
                     f"projects/given/branches/{leaf}/endpoints/primary/extra"):
            equal(place.control().ask("GET", path)["name"], "not_found", path)
        for path in ("projects/given/operations", "catalogs", f"projects/given/branches/{leaf}/tables"):
            equal(place.control().ask("GET", path)["name"], "unsupported", f"no such call: {path}")
        contains(place.control().ask("GET", "projects/other")["hint"], "`projects`")


def a_project_is_full_at_ten(version=VERSIONS[-1]):
    with Server(version) as place:
        for i in range(10):
            made = place.ask("POST", "branches", {"branch_id": place.name(f"n{i}")}, {"spec": {"ttl": "600s"}})
            equal(made["name"], "ok", made)
        full = place.ask("POST", "branches", {"branch_id": place.name("over")}, {"spec": {"ttl": "600s"}})
        equal(full["name"], "limit", full)


def without_the_privilege(version):
    with Server(version) as owner:
        role = f"lbops_plain_{version}_{os.getpid()}"
        owner.at_server(f"CREATE ROLE {role} LOGIN")
        try:
            place = Server(version, role)
            try:
                name = place.name("no")
                refused = place.ask("POST", "branches", {"branch_id": name}, {"spec": {"ttl": "600s"}})
                equal(refused["name"], "denied", refused)
                contains(refused["message"], "permission denied to create database")
                contains(refused["hint"], "CREATEDB")
                owner.at_server(f"ALTER ROLE {role} CREATEDB")
                refused = place.ask("POST", "branches", {"branch_id": name}, {"spec": {"ttl": "600s"}})
                contains(refused["message"], "permission denied to copy database")
                owner.at_server(f"ALTER DATABASE {place.database} OWNER TO {role}")
                equal(place.ask("POST", "branches", {"branch_id": name}, {"spec": {"ttl": "600s"}})["name"], "ok", "made")
                equal(place.ask("DELETE", f"branches/{name}", {"purge": "true"})["name"], "ok", "and dropped")
                owner.at_server(f"ALTER DATABASE {place.database} OWNER TO postgres")
            finally:
                place.close()
        finally:
            owner.at_server(f"DROP ROLE {role}")


def a_missing_branch_is_not_production(version=VERSIONS[-1]):
    """A throwaway branch that is not there is nobody else's database."""
    with Server(version) as place:
        place.targets = target("shop", "ci-none", "throwaway") + place.targets
        place.write()
        refused = place.run("example_tables", project="shop", branch="ci-none", check=None)
        contains(refused["error"]["message"], "there is no branch ci-none: the server has no such database")
        contains(refused["error"]["hint"], "lbops target create")


def one_project_alone():
    with Server(VERSIONS[-1]) as place:
        place.transport = place.transport.replace('["shop"]', '["shop", "two"]')
        place.write()
        contains(said(place.cli("target", "ls")), "one project and not 2")


def in_turn(tests):
    """One at a time on each server: what they look at is a server's."""
    def bind(test, lock):
        @functools.wraps(test)
        def bound():
            with lock:
                test()
        return bound
    locks = {version: threading.Lock() for version in VERSIONS}
    return [bind(test, locks[next((v for v in VERSIONS if test.__name__.endswith(str(v))), VERSIONS[-1])])
            for test in tests]


# The rules are our own code, whatever the server: once.
suite(*in_turn([*each_version(lives, resets, others_are_in_the_way, our_own_make_room, foreign_databases_stay, expires,
                    deleted_softly, without_the_privilege),
      copies_of_a_comment_are_none, leftovers_go, keeps_the_rules, a_project_is_full_at_ten,
      a_missing_branch_is_not_production, one_project_alone]), at_once=len(VERSIONS))
