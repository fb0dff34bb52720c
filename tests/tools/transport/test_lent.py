"""Programs that are lent a branch's connection, and a watch beside them: what reaches the program, and what is left."""

import pathlib

from place import PLUGINS, Given, Local, Workspace, contains, each_version, equal, holds, suite

HOSTILE = pathlib.Path(PLUGINS).parent / "hostile"
UNTIL_SEEN = """until psql -XAtqc "SELECT to_regclass('seen') IS NOT NULL" | grep -q t; do sleep 0.05; done; echo it is there"""
BESIDE = ["sh", "-c", 'echo started; PGAPPNAME=beside exec psql -XqAt -c "CREATE TABLE seen ()" -c "\\! sleep 3600"']

TOKEN_S = 15  # long enough to log in on a machine that has much to do
UNTIL = "DO $$ BEGIN WHILE ({}) IS NOT TRUE LOOP PERFORM pg_sleep(0.05), pg_stat_clear_snapshot(); END LOOP; END $$".format
SEEN = "SELECT true FROM pg_class WHERE relname = 'seen'"
WATCHED = """SELECT bool_or(query_start > now()) FROM pg_stat_activity
             WHERE datname = current_database() AND application_name LIKE 'lbops/%' AND pid <> pg_backend_pid()"""


class Lending(Given):
    def __init__(self, version, kind="throwaway"):
        super().__init__(version, kind)
        self.manifest.write_text(self.manifest.read_text().replace(f'["{PLUGINS}"]', f'["{PLUGINS}", "{HOSTILE}"]'))

    def borrow(self, **more):
        return self.run("borrows", **more)

    def sessions(self):
        return self.sql("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
                        "AND application_name = 'beside'")


def until_gone(place):
    place.sql("DO $$ BEGIN WHILE EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() "
              "AND application_name = 'beside') LOOP PERFORM pg_sleep(0.02), pg_stat_clear_snapshot(); END LOOP; END $$")


def a_program_is_on_the_branch(version):
    with Lending(version) as place:
        done = place.borrow(program=["psql", "-XAtqc", "SELECT current_database(), current_setting('application_name')"])
        equal(done["result"]["said"], f"{place.database}|psql\n", "what it says")
        contains(done["changes"][0]["statement"], "psql -XAtqc SELECT")
        holds("PG" not in done["changes"][0]["statement"], "no setting among its words")


def one_that_fails_is_an_error_with_its_words(version):
    with Lending(version) as place:
        failed = place.borrow(check=1, program=["sh", "-c", "echo no such thing; exit 3"])
        contains(failed["error"]["message"], "ended with code 3: no such thing")
        failed = place.borrow(check=1, program=["/nowhere/at/all"])
        contains(failed["error"]["message"], "/nowhere/at/all")
        failed = place.borrow(check=1, beside=["sh", "-c", "echo died early; exit 4"], program=["sleep", "0.3"])
        contains(failed["error"]["message"], "ended with code 4: died early")
        equal(failed["result"]["beside_said"], "died early\n", "its words")


def one_goes_on_beside_and_is_watched(version):
    with Lending(version) as place:
        done = place.borrow(beside=BESIDE, every_us=2000, program=["psql", "-XAtq", "-c", UNTIL(SEEN), "-c", UNTIL(WATCHED),
                                                                   "-c", "SELECT 'it is there'"])
        equal(done["result"]["said"], "it is there\n", "what it saw of the other")
        equal(done["result"]["beside_said"], "started\n", "what the other said")
        holds(done["result"]["seen_beside"] > 0, "the watch saw it")
        until_gone(place)


def what_is_left_beside_ends_with_the_run(version):
    with Lending(version) as place:
        place.borrow(beside=BESIDE, program=["sh", "-c", UNTIL_SEEN], leaves=True)
        until_gone(place)
        equal(place.sessions(), "0", "sessions")


def a_plan_starts_nothing_and_nothing_waits_with_a_connection(version):
    with Lending(version) as place:
        done = place.borrow(plan=True, beside=BESIDE, program=["psql", "-c", "CREATE TABLE seen ()"])
        equal([c["executed"] for c in done["changes"]], [False, False], "executed")
        equal(place.sql("SELECT to_regclass('seen')"), "", "the table")
    with Lending(version, "production") as place:
        failed = place.borrow(check=1, program=["psql", "-c", "CREATE TABLE seen ()"])
        contains(failed["error"]["message"], "cannot wait for an approval")
        equal(place.approvals(), [], "nobody is asked")


def a_branch_of_our_own_is_lent_too():
    with Local(17, targets=(("production", "throwaway"),)) as place:
        place.manifest.write_text(place.manifest.read_text().replace(f'["{PLUGINS}"]', f'["{PLUGINS}", "{HOSTILE}"]'))
        done = place.run("borrows", program=["psql", "-XAtqc", "SELECT current_setting('cluster_name') <> ''"])
        equal(done["result"]["said"], "t\n", "its server")


def where_credentials_expire():
    """A program that is connected when its token expires goes on, and so does the watch; one that comes later has a new one."""
    with Workspace(targets=(("production", "throwaway"),), credential_s=TOKEN_S, token_s=TOKEN_S) as place:
        place.manifest.write_text(place.manifest.read_text().replace(f'["{PLUGINS}"]', f'["{PLUGINS}", "{HOSTILE}"]'))
        place.project()
        said = place.run("borrows", beside=BESIDE, every_us=20000,
                         program=["psql", "-XAtq", "-c", UNTIL(SEEN), "-c", f"\\! sleep {TOKEN_S + 1}", "-c", UNTIL(WATCHED),
                                  "-c", "SELECT 'the watch outlives its token'"])["result"]
        equal(said["said"], "the watch outlives its token\n", "what it saw of the other, and of the watch")
        holds(said["seen_beside"] > 0, "what the watch saw")
        ask = "SELECT current_user"
        told = place.run("borrows", program=["sh", "-c", f'psql -XAtqc "{ask}"; env | grep ^PG'])["result"]["said"]
        contains(told, place.emulator.ready["client_id"])
        contains(told, "PGSSLMODE=verify-full")
        holds("PGPASSWORD=***" in told and "PGPASSWORD=ey" not in told, "the token is in nothing that is kept")


suite(*each_version(a_program_is_on_the_branch, one_that_fails_is_an_error_with_its_words,
                    one_goes_on_beside_and_is_watched, what_is_left_beside_ends_with_the_run,
                    a_plan_starts_nothing_and_nothing_waits_with_a_connection), a_branch_of_our_own_is_lent_too, where_credentials_expire)
