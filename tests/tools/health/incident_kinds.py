"""Troubles that servers get into, as stories of three parts: what was there before, the trouble (the story then says what
it is about), and for some of them how it ends."""

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
    bed.run("diagnose_root_cause", **LIMITS)
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
    try:
        yield "standby"
    finally:
        bed.ward.at_standby("SELECT pg_wal_replay_resume()")


def stuck_slot(bed):
    bed.limits = {"min_slot_mb": 8}
    bed.sql("CHECKPOINT; SELECT pg_create_physical_replication_slot('forgotten', true)")
    try:
        yield
        wal(bed, 16)
        yield "forgotten"
    finally:
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


def burn(bed, ids):
    bed.sql(f"CREATE TABLE burnt (id int); DO $$ BEGIN FOR i IN 1..{ids} LOOP BEGIN INSERT INTO burnt VALUES (i);"
            " EXCEPTION WHEN division_by_zero THEN NULL; END; END LOOP; END $$; DROP TABLE burnt")


def age_of(bed):
    return int(bed.sql("SELECT greatest(age(datfrozenxid), mxid_age(datminmxid)) FROM pg_database WHERE datname = current_database()"))


def wraparound_age(bed):
    # The other databases are young and stay below the limit, so that only this one is to be cured.
    burn(bed, max(30000 - age_of(bed), 1000))
    for other in ("postgres", "template1", "template0"):
        bed.sql(f"UPDATE pg_database SET datallowconn = true WHERE datname = '{other}'")
        bed.sql("VACUUM FREEZE", branch=other)
    age = age_of(bed)
    bed.limits = {"min_txid_age": int(1.1 * age)}
    yield
    burn(bed, int(1.04 * age))
    yield "server"


def temp_spill(bed):
    # With so little memory the view itself spills when it is read, once those before have executed enough.
    bed.sql("CREATE EXTENSION pg_stat_statements; SELECT pg_stat_statements_reset()")
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
HEALED = [dead_tuples, stale_statistics, connection_storm, wraparound_age]  # without asking anybody
