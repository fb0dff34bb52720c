"""Incidents, planted one after the other on real servers: is the true cause named first, and is a healthy server left in
peace? Prints a table: what was planted, what was found, and at which rank."""

import time

from health_place import on_each
from incident_place import Bed, Ward
from place import equal, holds, suite

TOOL = "diagnose_root_cause"
# Small numbers for small incidents; the control runs have the same.
LIMITS = {"min_wait_s": 0.05, "min_idle_s": 0.05, "min_dead_rows": 1000, "min_table_mb": 0, "min_block_accesses": 2000,
          "warm_up_min": 0, "min_slot_mb": 1, "min_temp_mb": 1, "min_lag_mb": 1, "min_checkpoints": 2}
FLUSH = "; SELECT pg_stat_force_next_flush()"


def wal(bed, megabytes):
    bed.sql(f"SELECT count(pg_logical_emit_message(false, 'x', repeat('x', 1000000))) FROM generate_series(1, {megabytes})")


def lock_chain(bed):
    role = bed.role("clerk")
    bed.sql("CREATE TABLE till (id int); INSERT INTO till VALUES (1); GRANT ALL ON till TO public")
    root, middle, last = (bed.person(role) for _ in range(3))
    yield
    root.say("BEGIN; UPDATE till SET id = 2")
    middle.start("BEGIN; LOCK TABLE till IN ACCESS EXCLUSIVE MODE")
    bed.until(f"SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = {middle.pid}")
    last.start("SELECT * FROM till")
    bed.until(f"SELECT waitstart < clock_timestamp() - interval '0.1 s' FROM pg_locks WHERE pid = {last.pid} AND NOT granted")
    yield f"session {root.pid}"


def idle_in_transaction(bed):
    bed.sql("CREATE TABLE note (id int); GRANT ALL ON note TO public")
    idler = bed.person(bed.role("clerk"))
    yield
    idler.say("BEGIN; INSERT INTO note VALUES (1)")
    bed.until(f"SELECT state_change < clock_timestamp() - interval '0.1 s' FROM pg_stat_activity WHERE pid = {idler.pid}")
    yield f"session {idler.pid}"


def connection_storm(bed):
    role = bed.role("web")
    yield
    for _ in range(22):
        bed.person(role, "web")
    yield "server"


def dead_tuples(bed):
    bed.sql("CREATE TABLE queue (id int); INSERT INTO queue SELECT generate_series(1, 20000)")
    bed.sql("ANALYZE queue")
    yield
    bed.sql("DELETE FROM queue WHERE id <= 9000" + FLUSH)
    yield "public.queue"


def cache_collapse(bed):
    bed.sql("CREATE TABLE huge (id int, fill text); INSERT INTO huge SELECT g, repeat('x', 500)"
            " FROM generate_series(1, 40000) g; CREATE TABLE hot (id int PRIMARY KEY);"
            " INSERT INTO hot SELECT generate_series(1, 1000)")
    bed.sql("VACUUM ANALYZE")
    bed.run(TOOL, **LIMITS)
    bed.sql("SET enable_seqscan = off; SELECT count((SELECT h.id FROM hot h WHERE h.id = g % 1000))"
            " FROM generate_series(1, 20000) g" + FLUSH)
    yield
    bed.sql("SELECT count(*) FROM huge; SELECT count(*) FROM huge; SELECT count(*) FROM huge" + FLUSH)
    yield "server"


def dropped_index(bed):
    bed.sql("CREATE TABLE orders (id int, customer int); INSERT INTO orders SELECT g, g % 5000"
            " FROM generate_series(1, 30000) g; CREATE INDEX orders_customer ON orders (customer)")
    bed.sql("VACUUM ANALYZE orders; SET enable_seqscan = off; SELECT count(id) FROM orders WHERE customer = 7" + FLUSH)
    yield
    bed.sql("DROP INDEX orders_customer;" + "SELECT count(id) FROM orders WHERE customer = 7;" * 12 + FLUSH[1:])
    yield "public.orders_customer"


def stale_statistics(bed):
    bed.sql("CREATE TABLE visits (id int); INSERT INTO visits SELECT generate_series(1, 1000)")
    bed.sql("ANALYZE visits")
    yield
    bed.sql("INSERT INTO visits SELECT generate_series(1, 30000)" + FLUSH)
    yield "public.visits"


def deadlocks(bed):
    bed.sql("CREATE TABLE pair (id int); INSERT INTO pair VALUES (1), (2); GRANT ALL ON pair TO public")
    role = bed.role("clerk")
    one, other = bed.person(role), bed.person(role)
    yield
    for _ in range(3):
        one.say("BEGIN; UPDATE pair SET id = id WHERE id = 1")
        other.say("BEGIN; UPDATE pair SET id = id WHERE id = 2")
        one.start("UPDATE pair SET id = id WHERE id = 2")
        bed.until(f"SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = {one.pid}")
        other.say("UPDATE pair SET id = id WHERE id = 1")
        other.say("ROLLBACK" + FLUSH)
        one.say("ROLLBACK" + FLUSH)
    bed.until(f"SELECT sum(deadlocks) >= 3 FROM pg_stat_database WHERE datname = '{bed.database}'")
    yield "server"


def replication_lag(bed):
    bed.ward.standby()
    bed.until("SELECT count(*) = 1 FROM pg_stat_replication WHERE state = 'streaming'")
    yield
    bed.ward.at_standby("SELECT pg_wal_replay_pause()")
    wal(bed, 20)
    bed.until("SELECT pg_current_wal_lsn() - flush_lsn < 1000000 AND pg_current_wal_lsn() - replay_lsn > 17000000"
              " FROM pg_stat_replication")
    yield "standby"
    bed.ward.at_standby("SELECT pg_wal_replay_resume()")


def stuck_slot(bed):
    bed.sql("CHECKPOINT; SELECT pg_create_physical_replication_slot('forgotten', true)")
    yield
    wal(bed, 4)
    yield "forgotten"
    bed.sql("SELECT pg_drop_replication_slot('forgotten')")


def checkpoint_pressure(bed):
    view = "pg_stat_bgwriter" if bed.version < 17 else "pg_stat_checkpointer"
    counter = "checkpoints_req" if bed.version < 17 else "num_requested"
    yield
    for _ in range(4):
        seen = bed.sql(f"SELECT {counter} FROM {view}")
        wal(bed, 34)
        bed.until(f"SELECT {counter} > {seen} FROM {view}")
    yield "server"


def wraparound_age(bed):
    age = int(bed.sql("SELECT max(greatest(age(datfrozenxid), mxid_age(datminmxid))) FROM pg_database"))
    bed.limits = {"min_txid_age": age + 10000}
    yield
    bed.sql("CREATE TABLE burnt (id int); DO $$ BEGIN FOR i IN 1..21000 LOOP BEGIN INSERT INTO burnt VALUES (i);"
            " EXCEPTION WHEN division_by_zero THEN NULL; END; END LOOP; END $$; DROP TABLE burnt")
    yield "server"


def temp_spill(bed):
    bed.sql("CREATE EXTENSION pg_stat_statements")
    yield
    bed.sql("SELECT count(*) FROM (SELECT g, repeat('x', 20) AS t FROM generate_series(1, 100000) g ORDER BY t, g DESC) s;"
            * 3 + FLUSH[1:])
    yield "server"


def autovacuum_off(bed):
    bed.sql("CREATE TABLE jobs (id int) WITH (autovacuum_enabled = off); INSERT INTO jobs SELECT generate_series(1, 20000)")
    bed.sql("ANALYZE jobs")
    yield
    bed.sql("DELETE FROM jobs WHERE id <= 9000" + FLUSH)
    yield "public.jobs"


SESSIONS = [lock_chain, idle_in_transaction, connection_storm, deadlocks]
TABLES = [dead_tuples, autovacuum_off, dropped_index, stale_statistics, cache_collapse, temp_spill]
WAL = [stuck_slot, checkpoint_pressure, wraparound_age, replication_lag]


def shown(document):
    return [(c["rank"], c["kind"], c["object"], round(c["confidence"], 2)) for c in document["result"].get("causes", [])]


def incident(ward, kind):
    """The line of the table: kind, first cause, rank of the true one, time of the diagnosis, and what would be done."""
    with Bed(ward) as bed:
        bed.limits = {}
        story = kind(bed)
        next(story)
        limits = {**LIMITS, **bed.limits}
        bed.write(f"[agents.health]\n[agents.health.tool.diagnose_root_cause]\nparams = {{ "
                  + ", ".join(f"{k} = {v}" for k, v in limits.items()) + " }\n")
        calm = bed.run(TOOL, give_reading=True)
        equal(shown(calm), [], f"before {kind.__name__}")
        thing = next(story)
        began = time.monotonic()
        found = bed.run(TOOL)["result"]
        seconds = time.monotonic() - began
        healing = bed.run("self_heal", plan=True, before=calm["result"]["reading"], min_confidence=0.5)["result"]
        next(story, None)
        causes = found.get("causes", [])
        rank = next((c["rank"] for c in causes if (c["kind"], c["object"]) == (kind.__name__, thing)), None)
        first = causes[0] if causes else {"kind": "none", "object": "", "confidence": 0, "explains": []}
        action = "; ".join(f"{r['action']} ({r['risk']}, {r['status']})" for r in healing.get("remedies", []))
        return kind.__name__, first, rank, seconds, action


def left_in_peace(bed):
    """Runs of a server that works, with the limits of the incidents."""
    bed.sql("CREATE TABLE shop (id int PRIMARY KEY, n int); INSERT INTO shop SELECT g, 0 FROM generate_series(1, 20000) g")
    bed.sql("VACUUM ANALYZE shop")
    first = bed.run(TOOL, **LIMITS)
    for _ in range(3):
        bed.sql("UPDATE shop SET n = n + 1 WHERE id <= 300; SELECT count(n) FROM shop WHERE id = 7" + FLUSH)
        found = bed.run(TOOL, **LIMITS)
        equal((shown(found), found["changes"]), ([], []), "a control run")
    holds(found["result"]["verdict"].startswith("no cause found: 15 kinds"), found["result"]["verdict"])
    equal(first["result"]["examined"]["kinds of causes"], 10, "what one reading shows")
    holds(any("first reading" in s["reason"] for s in first["result"]["skipped"]), str(first["result"]))


def planted(version, kinds):
    with Ward(version) as ward:
        if kinds is TABLES:
            with Bed(ward) as bed:
                left_in_peace(bed)
        lines = [incident(ward, kind) for kind in kinds]
    table = "\n".join(f"  {version}  {kind:20} {c['kind']:20} {c['object']:24} {c['confidence']:.2f}  rank {rank}  "
                      f"{s:.2f} s  {action}" for kind, c, rank, s, action in lines)
    print(f"  planted, found first, object, confidence, rank of the true cause, time of the diagnosis, action\n{table}", flush=True)
    equal([kind for kind, *_, action in lines if not action], [], "no action")
    equal([kind for kind, _, rank, _, _ in lines if rank != 1], [], "not named first")


def incidents_of_sessions(version):
    planted(version, SESSIONS)


def incidents_of_tables(version):
    planted(version, TABLES)


def incidents_of_wal_and_replication(version):
    planted(version, WAL)


suite(*on_each(incidents_of_sessions, incidents_of_tables, incidents_of_wal_and_replication), at_once=3)
