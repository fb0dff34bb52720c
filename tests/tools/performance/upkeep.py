"""What the vacuum suites plant: tables with dead rows, people who hold them, and what stands in the catalogue."""

import contextlib
import os
import time

from place import PATIENCE, Place, target


class Private(Place):
    """On a server that nobody else uses: see ward.py."""

    def __init__(self, ward, more=""):
        super().__init__('plugin = "transport_local"\ndsn = { secret = "ward" }', target("shop", "postgres", "production")
                         + '[secrets]\nward = { env = "LBOPS_WARD" }\n', more, "postgres")
        self.database, self.there, self.where = "postgres", ward.url, f"Postgres {ward.version}"

    def url(self, branch=None):
        return self.there

    def cli(self, *words, env=None, **more):
        return super().cli(*words, env={"LBOPS_WARD": self.there, **(env or {})}, **more)


# Before the session answers, its changes are counted; by itself it may do so only when it ends, after its client has gone.
COUNTED = "SELECT pg_stat_force_next_flush()"


def plant(place, name="t", rows=10_000, dead=6_000, options="autovacuum_enabled=off", held=False):
    """A table whose dead rows nobody has removed. Unless somebody is meant to hold them, anybody may: no transaction
    of the server is older than they. The transaction that deleted them."""
    place.sql(f"CREATE TABLE {name} (id int, note text) WITH ({options});"
              f"INSERT INTO {name} SELECT g, 'note ' || g FROM generate_series(1, {rows}) g;" + COUNTED)
    place.sql(f"VACUUM ANALYZE {name}")
    if dead:
        deleter = int(place.sql(f"BEGIN; DELETE FROM {name} WHERE id <= {dead}; SELECT pg_current_xact_id();"
                                f"{COUNTED}; COMMIT"))
        if not held:
            wait_for_others(place, deleter)
        return deleter
    return None


def wait_for_others(place, deleter):
    """Until nobody in the database is as old as that transaction, so that its dead rows can go. Who comes later sees as far
    back as the oldest transaction of the whole server: that one is waited for, too, but it may be another suite's, which
    takes its time."""
    began = time.monotonic()
    while True:
        held, seen = place.sql(f"""
            SELECT EXISTS (SELECT FROM pg_stat_activity a
                            WHERE a.datname = current_database() AND a.pid <> pg_backend_pid()
                              AND greatest(age(a.backend_xid), age(a.backend_xmin)) >= age('{deleter}'::xid)),
                   pg_snapshot_xmin(pg_current_snapshot()) <= '{deleter}'::xid8""").split("|")
        waited = time.monotonic() - began
        if held == "f" and (seen == "f" or waited > 120):
            return
        if waited > 300:
            raise AssertionError("somebody holds the dead rows")
        time.sleep(0.05)


HOLD = "SELECT pg_advisory_lock(1)"


def ask_first(place):
    """The ANALYZE of the table `first` asks a function of its index, which goes on once nobody holds a lock."""
    place.sql("""CREATE FUNCTION when_free(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN
                     WHILE NOT pg_try_advisory_lock_shared(1) LOOP PERFORM pg_sleep(0.01); END LOOP;
                     PERFORM pg_advisory_unlock_shared(1); RETURN $1; END $$;
                 CREATE INDEX ON first (when_free(id))""")


def until(place, question, answer="t"):
    """Asks until it is so: what is waited for happens elsewhere, when it gets to it."""
    end = time.monotonic() + PATIENCE
    while place.sql(question) != answer:
        if time.monotonic() > end:
            raise AssertionError(f"never {answer}: {question}")
        time.sleep(0.05)


def dead(place, name="t"):
    return int(place.sql(f"SELECT pg_stat_get_dead_tuples('{name}'::regclass)"))


def vacuums(place, name="t"):
    return int(place.sql(f"SELECT pg_stat_get_vacuum_count('{name}'::regclass)"))


# Its server goes on for a moment when a client has left, with all that it holds.
GONE = """DO $$ BEGIN WHILE EXISTS (SELECT FROM pg_stat_activity WHERE pid = {})
          LOOP PERFORM pg_sleep(0.02), pg_stat_clear_snapshot(); END LOOP; END $$"""


@contextlib.contextmanager
def somebody(place, *statements):
    """A session that has run these and idles."""
    session = place.session()
    session.stdin.write("SELECT pg_backend_pid();\n")
    session.stdin.flush()
    pid = int(session.stdout.readline())
    try:
        say(session, *statements)
        yield session
    finally:
        session.stdin.close()
        session.wait()
        session.stdout.close()
        place.sql(GONE.format(pid))


def say(session, *statements):
    """Runs them in the session and waits for the last one's end."""
    for statement in statements:
        session.stdin.write(statement + ";\n")
    session.stdin.write("\\echo done\n")
    session.stdin.flush()
    for line in session.stdout:
        if line.strip() == "done":
            return
        if "ERROR" in line:
            raise AssertionError(line)


@contextlib.contextmanager
def prepared(place):
    """A prepared transaction that nobody ends."""
    name = f"lbops_{os.getpid()}_{place.database}"
    place.sql(f"CREATE TABLE IF NOT EXISTS of_prepared (id int); BEGIN; INSERT INTO of_prepared VALUES (1);"
              f"PREPARE TRANSACTION '{name}'")
    try:
        yield name
    finally:
        place.sql(f"ROLLBACK PREPARED '{name}'")


@contextlib.contextmanager
def slot(place):
    """A logical slot that nobody reads."""
    name = place.database
    place.sql(f"SELECT pg_create_logical_replication_slot('{name}', 'pgoutput')")
    try:
        yield name
    finally:
        place.sql(f"SELECT pg_drop_replication_slot('{name}')")


def burn(place, count):
    """Uses transaction ids up: each block that writes takes one of its own."""
    place.sql(f"""
        CREATE TABLE IF NOT EXISTS burnt (id int);
        DO $$ BEGIN FOR i IN 1..{count} LOOP
            BEGIN INSERT INTO burnt VALUES (i); EXCEPTION WHEN division_by_zero THEN NULL; END;
        END LOOP; END $$;
        DROP TABLE burnt""")


def by_kind(findings):
    return sorted((f["object"], f["kind"]) for f in findings)


class Someone:
    """A role that sees all counters and owns nothing, as which lbops comes to a place."""

    def __init__(self, place):
        self.place, self.role = place, place.database + "_r"
        place.sql(f"CREATE ROLE {self.role} LOGIN; GRANT pg_read_all_stats TO {self.role}")

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        self.place.sql(f"ALTER DATABASE {self.place.database} OWNER TO postgres; DROP OWNED BY {self.role} CASCADE; DROP ROLE {self.role}")

    def runs(self, tool, *words):
        url = self.place.url().replace("postgres@", f"{self.role}@")
        return self.place.cli("--json", "run", tool, "--dsn", url, *words, check=0).stdout
