"""apply_schema_migration with batches beside a real standby: what is behind is waited for, and that is told."""

import json
import os
import subprocess
import time

from migrating import FIRST, TOOL
from place import PATIENCE, PROGRAM, Place, each_version, equal, holds, suite, target
from ward import Ward

TABLE = "CREATE TABLE IF NOT EXISTS app.counted (id bigint PRIMARY KEY, n int NOT NULL DEFAULT 0);"
ROWS = "INSERT INTO app.counted (id) SELECT i FROM generate_series(1, 300) i;"
COUNT = "-- lbops:allow rows-not-idempotent because the ledger keeps it from coming twice\n" \
        "-- lbops:batches 50\nUPDATE app.counted SET n = n + 1 WHERE n >= 0;\n"
BEHIND = "SELECT coalesce(max(extract(epoch FROM replay_lag)), 0) > 10 FROM pg_stat_replication"
BATCHES = "SELECT count(*) FROM lbops_migration.batches WHERE number > 0"
LOOKED = "SELECT max(query_start) FROM pg_stat_activity WHERE query LIKE '%replay_lag%' AND pid <> pg_backend_pid()"


class Followed(Place):
    """A private server with a standby; the branch is its only database."""

    def __init__(self, ward):
        self.where, self.server = f"Postgres {ward.version} with a standby", ward.url
        os.environ["LBOPS_TEST_WRITER"] = ward.url
        super().__init__('plugin = "transport_local"\ndsn = { secret = "writer" }', target("given", "postgres", "throwaway")
                         + '[secrets]\nwriter = { env = "LBOPS_TEST_WRITER" }\n', "", "postgres")

    def url(self, branch=None):
        return self.server


def until(look, wanted):
    ends = time.monotonic() + PATIENCE
    while not wanted(seen := look()):
        holds(time.monotonic() < ends, f"never: {seen} was seen last")
        time.sleep(0.05)
    return seen


def a_standby_that_is_behind_is_waited_for(version):
    with Ward(version, wal_receiver_status_interval="'1s'") as ward:
        ward.standby()
        with Followed(ward) as place:
            files = place.dir / "files"
            files.mkdir()
            (files / "V1__counted.sql").write_text(FIRST + TABLE)
            place.run(TOOL, dir=str(files))
            place.sql(ROWS)
            place_now = place.sql("SELECT pg_current_wal_lsn()")
            until(lambda: ward.at_standby(f"SELECT pg_last_wal_replay_lsn() >= '{place_now}'"), lambda seen: seen == "t")
            ward.at_standby("SELECT pg_wal_replay_pause()")
            place.sql("UPDATE app.counted SET n = n")
            until(lambda: place.sql(BEHIND), lambda seen: seen == "t")
            (files / "V2__count.sql").write_text(COUNT)
            words = [PROGRAM, "-m", str(place.manifest), "--json", "run", TOOL, "--branch", "postgres", "--dir", str(files)]
            with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
                first = until(lambda: place.sql(LOOKED), bool)
                until(lambda: place.sql(LOOKED), lambda seen: seen and seen != first)
                equal([place.sql(BATCHES), run.poll()], ["1", None], "it looks again and again, and goes on with none")
                ward.at_standby("SELECT pg_wal_replay_resume()")
                said, _ = run.communicate(timeout=PATIENCE)
            result = json.loads(said)["result"]
            equal(run.returncode, 0, "then it goes on")
            equal(place.sql("SELECT n, count(*) FROM app.counted GROUP BY n"), "1|300", "each row once")
            waited, = result["replica_waits"]
            equal([waited["file"], waited["table"], waited["behind_batch"]], ["V2__count.sql", "app.counted", 1], "and says so")
            holds(waited["behind_s"] > 10 and waited["waited_s"] > 0, f"how long: {waited}")


suite(*each_version(a_standby_that_is_behind_is_waited_for))
