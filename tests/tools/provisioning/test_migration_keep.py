"""apply_schema_migration and the branch that it makes before a migration that loses data: looked at afterwards."""

import json

from place import VERSIONS, Local, Workspace, contains, each_version, equal, holds, suite

TOOL = "apply_schema_migration"
FIRST = """
CREATE SCHEMA IF NOT EXISTS app;
CREATE TABLE IF NOT EXISTS app.orders (id bigint PRIMARY KEY, note text);
INSERT INTO app.orders SELECT n, 'mine' FROM generate_series(1, 12) n ON CONFLICT DO NOTHING;
"""
WIPE = "DELETE FROM app.orders WHERE id <= 5;"
THROWAWAY = (("production", "throwaway"), ("*", "throwaway"))


class Keeping:
    """Files of migrations, and runs on them."""

    def put(self, name, text):
        folder = self.dir / "files"
        folder.mkdir(exist_ok=True)
        (folder / f"{name}.sql").write_text(text)

    def migrate(self, check=0, **more):
        return self.run(TOOL, check=check, dir=str(self.dir / "files"), **more)

    def pending(self):
        return [a for a in self.approvals() if a["status"] == "pending"]

    def kept(self):
        return sorted(name for name in self.branches() if name.startswith("backup-"))


class Home(Keeping, Local):
    pass


class Emulated(Keeping, Workspace):
    pass


def begin(place):
    place.put("V1__orders", FIRST)
    equal(place.migrate()["result"].get("kept", []), [], "what loses nothing keeps nothing")
    equal(place.kept(), [], "no branch")


def ids(place, branch=None):
    return place.sql("SELECT string_agg(id::text, ' ' ORDER BY id) FROM app.orders", branch=branch)


ALL, REST = " ".join(map(str, range(1, 13))), " ".join(map(str, range(6, 13)))


def is_kept_and_found(place):
    """Asked for, approved, carried out by the host alone: the branch has what is gone."""
    begin(place)
    place.put("V2__Wipe_old", WIPE)
    asked = place.migrate(check=3)
    waiting = place.pending()
    equal(len(waiting), 1, "requests")
    told = asked["result"]["kept"]
    equal([(k["file"], k["outcome"], k["ttl_seconds"]) for k in told], [("V2__Wipe_old.sql", "waiting", 7 * 86400)], "told")
    name = told[0]["branch"]
    holds(name.startswith("backup-v2-wipe-old-"), name)
    contains(json.dumps(waiting[0]), f"branch {name} of production, made right before it, has what is lost; it lives 7d",
             f"branch_id={name}")
    equal(place.kept(), [], "nothing is made before it is decided")
    place.migrate(check=3)
    equal([a["id"] for a in place.pending()], [waiting[0]["id"]], "the same, asked again, is the same request")
    place.sql("UPDATE app.orders SET note = 'later' WHERE id = 1")
    place.approve(waiting[0]["id"])
    equal(ids(place), REST, "what was approved is done")
    equal(place.kept(), [name], "and one branch is kept")
    equal(ids(place, name), ALL, "which has what is gone")
    rows = [r for r in place.waiting("migration_history") if r["by_approval"]]
    equal([(r["file"], r["outcome"], r.get("statement")) for r in rows],
          [("V2__Wipe_old.sql", "applied", None), ("V2__Wipe_old.sql", "applied", 1)], "history knows what was done without the tool")
    equal([[r.get(c) for c in ("ended_at", "duration_ms", "rows_affected", "wal_bytes", "notices", "sqlstate")] for r in rows],
          [[None] * 6] * 2, "and no figure that nobody took")
    equal(place.sql("SELECT note FROM app.orders WHERE id = 1", branch=name), "later", "as it was right before, not when it was asked")
    holds(place.branches()[name]["expire_time"], "it goes by itself")
    rows = [r for r in place.waiting("branch_lifecycle") if r["branch_id"] == name]
    equal([(r["event_type"], r["branch_kind"], r["ttl_seconds"], r["source_branch"], r["reason"]) for r in rows],
          [("created", "backup", 7 * 86400, "production", "what V2__Wipe_old.sql loses")], "history")
    equal(place.migrate()["result"].get("kept", []), [], "there is nothing left to keep")


def at_home(version):
    with Home(version) as place:
        is_kept_and_found(place)


def in_a_workspace():
    with Emulated() as place:
        place.project()
        is_kept_and_found(place)


def in_a_workspace_that_takes_its_time():
    """The call is answered long before the branch is there: the run comes to its end all the same, and finds it."""
    with Emulated(operation_s=2) as place:
        place.project()
        is_kept_and_found(place)


def what_failed_finds_its_branch_again(version):
    """Without a person: on a branch where nobody is asked, and it is wanted all the same."""
    with Home(version, targets=(("production", "production"), ("*", "throwaway"))) as place:
        place.run("create_branch", branch="", branch_name="staging")
        place.branch = "staging"
        begin(place)
        place.put("V2__wipe", WIPE + "\nSELECT 1 / count(*) FROM app.orders WHERE note = 'ready';")
        place.migrate(check=None, plan=True, keep_before="always")
        equal(place.kept(), [], "a plan makes nothing")
        failed = place.migrate(check=1, keep_before="always")
        contains(failed["error"]["message"], "division by zero")
        told = failed["result"]["kept"]
        name = told[0]["branch"]
        equal([(k["branch"], k["outcome"]) for k in told], [(name, "made")], "made, although it failed")
        holds(told[0]["made_at"] and told[0]["expires_at"], f"with its times: {told}")
        equal((place.kept(), ids(place), ids(place, name)), ([name], ALL, ALL), "nothing is lost")
        equal([r["branch_id"] for r in place.waiting("branch_lifecycle") if r.get("branch_kind") == "backup"], [name], "history")

        place.sql("UPDATE app.orders SET note = 'ready' WHERE id = 12")
        done = place.migrate(keep_before="always")
        equal([(k["branch"], k["outcome"], k["made_at"]) for k in done["result"]["kept"]], [(name, "there already", told[0]["made_at"])],
              "the same one")
        equal((place.kept(), ids(place), ids(place, name)), ([name], REST, ALL), "and no other")
        equal([c["statement"] for c in done["changes"] if c["kind"] == "api"], [], "nothing is made")

        place.put("V3__rest", "DELETE FROM app.orders;")
        equal(place.migrate()["result"].get("kept", []), [], "a throwaway branch has its parent")
        equal((place.kept(), ids(place)), ([name], ""), "no other branch")


def what_a_dead_run_began_is_waited_for():
    """Killed while its branch was in the making: the next run loses nothing before that is done."""
    with Emulated(targets=THROWAWAY) as place:
        place.project()
        begin(place)
        place.put("V2__wipe", WIPE)
        place.emulator.set(operation_s=12)
        place.killed(place.kept, "run", TOOL, "--branch", "production", "--dir", place.dir / "files", "--keep_before", "always")
        name = place.kept()[0]
        equal((place.branches()[name]["current_state"], ids(place)), ("INIT", ALL), "it was killed in between")
        done = place.migrate(keep_before="always")
        equal([(k["branch"], k["outcome"]) for k in done["result"]["kept"]], [(name, "there already")], "the same one")
        equal(place.branches()[name]["current_state"], "READY", "is there when the run has ended")
        equal((place.kept(), ids(place), ids(place, name)), ([name], REST, ALL), "with what is gone")


def dies_in_the_making(place, **fault):
    """A run that is killed while its branch is in the making, which fails later. Gives the branch's name."""
    place.project()
    begin(place)
    place.put("V2__wipe", WIPE)
    place.emulator.set(operation_s=12)
    place.emulator.fault("operation_fail", "branches/backup-", method="CREATE", **fault)
    place.killed(place.kept, "run", TOOL, "--branch", "production", "--dir", place.dir / "files", "--keep_before", "always")
    name = place.kept()[0]
    equal((place.branches()[name]["current_state"], ids(place)), ("INIT", ALL), "it was killed in between")
    return name


def what_fails_for_good_is_not_waited_for():
    """Who waits for what a dead run began hears that it has failed, and not that there was no more time."""
    with Emulated(targets=THROWAWAY) as place:
        name = dies_in_the_making(place, leaves="FAILED")
        for more in ({}, {"plan": True}, {}):
            refused = place.migrate(check=1, keep_before="always", **more)["error"]
            equal((refused["code"], ids(place)), ("conflict", ALL), f"nothing is lost: {more}")
            contains(refused["message"], "the branch that was to have what is lost", f"shop/{name} is FAILED for good")
            contains(refused["hint"], "lbops target delete")
        place.emulator.set(operation_s=0)
        place.cli("target", "delete", name, check=0)
        done = place.migrate(keep_before="always")
        equal([(k["branch"], k["outcome"]) for k in done["result"]["kept"]], [(name, "made")], "as the hint says")
        equal((ids(place), ids(place, name)), (REST, ALL), "with what is gone")


def what_went_in_the_making_is_made_anew():
    """The platform took away what it could not make: the next run neither goes without it nor gives up."""
    with Emulated(targets=THROWAWAY) as place:
        name = dies_in_the_making(place)
        place.emulator.set(operation_s=0)
        done = place.migrate(keep_before="always")
        equal([(k["branch"], k["outcome"]) for k in done["result"]["kept"]], [(name, "made")], "made by this run")
        equal((place.kept(), ids(place), ids(place, name)), ([name], REST, ALL), "with what is gone")


def whose_making_fails_loses_nothing():
    with Emulated(targets=THROWAWAY) as place:
        place.project()
        begin(place)
        place.put("V2__wipe", WIPE)
        for left in ({}, {"leaves": "ERROR"}):
            place.emulator.fault("operation_fail", "branches/backup-", method="CREATE", message="no room on the host", **left)
            failed = place.migrate(check=1, keep_before="always")
            contains(failed["error"]["message"], "no room on the host")
            equal(([k["outcome"] for k in failed["result"]["kept"]], ids(place)), (["not made"], ALL), f"nothing is lost: {left}")
            equal(len(place.kept()), len(left), "what the platform leaves")
        rows = [r for r in place.waiting("branch_lifecycle") if r.get("branch_kind") == "backup"]
        equal(rows, [], "what was not made is no history")
        contains(place.migrate(check=1, keep_before="always")["error"]["message"], f"shop/{place.kept()[0]} is ERROR for good")


def other_rows_are_another_branch(version):
    """What was decided on is what a branch is for: the one from before would lack a row."""
    with Home(version) as place:
        begin(place)
        place.put("V2__drop", "DROP TABLE IF EXISTS app.orders;")
        first = place.migrate(check=3)["result"]["kept"][0]["branch"]
        place.sql("INSERT INTO app.orders VALUES (13)")
        said = place.approve(place.pending()[0]["id"], check=None)
        holds(said.returncode != 0, "not what was decided on")
        equal(place.kept(), [first], "it was made, and nothing was lost")
        second = place.migrate(check=3)["result"]["kept"][0]
        holds(second["branch"] != first and second["outcome"] == "waiting", f"another one: {second}")
        place.approve(place.pending()[0]["id"])
        equal(sorted(place.kept()), sorted([first, second["branch"]]), "both")
        equal(ids(place, second["branch"]), f"{ALL} 13", "with the last row")


def what_waits_for_a_reader_is_kept_once(version):
    """A reader holds the table while the approval is carried out: it is tried again, and the branch is made once."""
    with Home(version) as place:
        begin(place)
        place.put("V2__drop", "DROP TABLE IF EXISTS app.orders;")
        name = place.migrate(check=3)["result"]["kept"][0]["branch"]
        request = place.pending()[0]["id"]
        with place.session() as reader:
            reader.stdin.write("BEGIN; SELECT count(*) FROM app.orders;\n")
            reader.stdin.flush()
            reader.stdout.readline()
            approving = place.start("approve", request, "--as", "anna", "--because", "it was looked at")
            held = ("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = 'app.orders'::regclass)")
            while place.sql(held) == "f" and approving.poll() is None:
                pass
            while place.sql(held) == "t" and approving.poll() is None:
                pass
            while place.sql(held) == "f" and approving.poll() is None:
                pass
            reader.communicate("COMMIT;\n")
        equal(approving.wait(), 0, "approved once")
        equal(place.sql("SELECT to_regclass('app.orders') IS NULL"), "t", "it is gone")
        equal((place.kept(), ids(place, name)), ([name], ALL), "and kept")


def where_none_can_be_made(version):
    with Home(version) as place:
        begin(place)
        place.put("V2__wipe", WIPE)
        policy = place.dir / "policy.json"
        kind = {"id": "X-1", "kind": "main", "patterns": ["production"], "ttl": "never"}
        policy.write_text(json.dumps({"kinds": [kind]}))
        refused = place.migrate(check=1, policy=str(policy), keep_before="always")
        contains(refused["error"]["message"], "no branch can be kept before what loses data", "BR-020")
        contains(refused["error"]["hint"], "keep_before=auto")
        equal((place.pending(), ids(place)), ([], ALL), "nobody is asked, and nothing is done")

        asked = place.migrate(check=3, policy=str(policy))
        told = asked["result"]["kept"][0]
        equal((told["branch"], told["outcome"]), (None, "not possible"), "told")
        contains(told["why_not"], "BR-020")
        contains(json.dumps(place.pending()), "no branch is kept before it: BR-020")

        policy.write_text(json.dumps({"limits": {"unarchived": 1}, "kinds": [
            kind, {"id": "X-2", "kind": "backup", "patterns": ["backup-{words}"], "parents": ["production"], "ttl": "1h", "longest": "1h"}]}))
        full = place.migrate(check=1, policy=str(policy), keep_before="always")
        contains(full["error"]["message"], "BR-040")
        equal(place.migrate(check=3, policy=str(policy))["result"]["kept"][0]["outcome"], "not possible", "the place is full")
        never = place.migrate(check=3, keep_before="never")
        equal(never["result"].get("kept", []), [], "not wanted")
        equal(place.kept(), [], "no branch")


suite(*each_version(at_home), in_a_workspace, in_a_workspace_that_takes_its_time, what_a_dead_run_began_is_waited_for,
      what_fails_for_good_is_not_waited_for, what_went_in_the_making_is_made_anew, whose_making_fails_loses_nothing,
      *each_version(what_failed_finds_its_branch_again)[-1:], *each_version(other_rows_are_another_branch)[-1:],
      *each_version(what_waits_for_a_reader_is_kept_once)[-1:], *each_version(where_none_can_be_made)[-1:], at_once=3)
