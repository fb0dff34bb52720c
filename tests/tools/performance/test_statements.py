"""persist_pg_stat_statements and collect_pg_stat_statements_info on real servers: every column under its one name, our
own statements left out, and what is said where there is nothing to read."""

import itertools
import json

from place import VERSIONS, Given, Local, contains, each_version, equal, holds, suite
from planted import KEEPS
from upkeep import Private
from ward import Ward

PERSIST, INFO = "persist_pg_stat_statements", "collect_pg_stat_statements_info"
# The server's statements are everybody's, and other suites have a table t as well.
HERE = "dbid = (SELECT oid FROM pg_database WHERE datname = current_database())"


def with_extension(place, schema="public", version=None):
    place.sql(f'CREATE EXTENSION pg_stat_statements SCHEMA "{schema}"' + (f" VERSION '{version}'" if version else ""))


def own_rows(place):
    """Of this test's database: the server's statistics are everybody's."""
    return [r for r in place.waiting("pg_stat_history") if r.get("database_name") == place.database]


def every_column_is_there(version):
    with Given(version) as place:
        place.sql('CREATE SCHEMA "Odd s"')
        with_extension(place, "Odd s")
        place.sql("CREATE TABLE t (id int, body text)")
        place.sql("INSERT INTO t SELECT g, repeat('x', 200) FROM generate_series(1, 2000) g")
        result = place.run(PERSIST)["result"]
        equal((result["status"], result["first_of_its_epoch"]), ("ok", True), "status")
        rows = own_rows(place)
        server = int(place.sql('SELECT queryid FROM "Odd s".pg_stat_statements WHERE query LIKE'
                               " 'INSERT INTO t SELECT%' AND dbid = (SELECT oid FROM pg_database"
                               " WHERE datname = current_database())"))
        row = next(r for r in rows if r["queryid"] == server)
        columns = place.sql('SELECT attname FROM pg_attribute WHERE attrelid = \'"Odd s".pg_stat_statements\'::regclass'
                            " AND attnum > 0").split()
        renamed = {"blk_read_time": "shared_blk_read_time", "blk_write_time": "shared_blk_write_time"}
        missing = [c for c in columns if c != "query" and renamed.get(c, c) not in row]
        equal(missing, [], "columns of the server that are not in history")
        equal((row["rows"], row["calls"], row["toplevel"]), (2000, 1, True), "its figures")
        holds(row["shared_blks_dirtied"] > 0 and row["wal_bytes"] > 0 and row["total_exec_time"] > 0, row)
        equal(row["user_name"], "postgres", "names")
        sysid = int(place.sql("SELECT system_identifier FROM pg_control_system()"))
        equal((row["system_identifier"], row["server_version"]), (sysid, version), "epoch")
        holds(all(r["snapshot_id"] == result["snapshot_id"] for r in rows), "one snapshot")


def an_older_extension_is_read_too(version):
    with Given(version) as place:
        with_extension(place, version="1.9")
        place.sql("SELECT count(*) FROM pg_class")
        result = place.run(PERSIST)["result"]
        equal(result["status"], "ok", "status")
        rows = own_rows(place)
        holds(rows and all("jit_functions" not in r for r in rows), "columns that 1.9 lacks")
        holds(all("shared_blk_read_time" in r for r in rows), "the one that has another name there")
        holds(place.run(INFO)["result"]["is_older_than_its_server"], "it is said")


def says_where_nothing_can_be_read(version):
    with Given(version) as place:
        for tool in (PERSIST, INFO):
            result = place.run(tool)["result"]
            equal(result["status"], "unavailable", tool)
            contains(result["reason"], "CREATE EXTENSION pg_stat_statements")
        equal(place.waiting("pg_stat_history"), [], "history")
        with_extension(place)
        role = place.database + "_r"
        place.sql(f"CREATE ROLE {role} LOGIN")
        try:
            url = place.url().replace("postgres@", f"{role}@")
            done = place.cli("--json", "run", PERSIST, "--dsn", url, check=0)
            contains(done.stdout, "grant it pg_read_all_stats", '"own_statements_left_out":true')
        finally:
            place.sql(f"DROP ROLE {role}")
        place.run(PERSIST, check=2, own="sometimes")


def info_is_kept(version):
    with Given(version) as place:
        with_extension(place)
        evicted = "SELECT dealloc FROM pg_stat_statements_info"
        before = int(place.sql(evicted))
        document = place.run(INFO)["result"]
        holds(before <= document["dealloc"] <= int(place.sql(evicted)), "dealloc: others fill the server's table too")
        equal((document["most_entries"], document["track"]), (int(place.sql("SHOW pg_stat_statements.max")), "top"), "settings")
        metrics = {r["metric_name"] for r in place.waiting("lakebase_metrics")}
        equal(metrics, {"pg_stat_statements_dealloc", "pg_stat_statements_entries"}, "metrics")
        full = place.findings(INFO, full_ratio=0.0)
        contains([f["kind"] for f in full], "statements_full")
        place.sql(f"ALTER DATABASE {place.database} SET pg_stat_statements.track = 'none'")
        contains([f["kind"] for f in place.findings(INFO)], "statements_not_tracked")
        for given, is_found in (("off", True), ("auto", False), ("on", False), ("regress", False)):
            place.sql(f"ALTER DATABASE {place.database} SET compute_query_id = '{given}'")
            equal("query_ids_off" in [f["kind"] for f in place.findings(INFO)], is_found, f"compute_query_id = {given}")


def only_new_evictions_are_news(version):
    """The server counts them since its last reset, and says so for ever. On a server of its own: others evict as well."""
    with Ward(version, **{"pg_stat_statements.max": 100}) as ward, Private(ward) as place:
        place.write(more=KEEPS)
        with_extension(place)

        def evict():
            before, width = place.sql("SELECT dealloc FROM pg_stat_statements_info"), itertools.count(1)
            while place.sql("SELECT dealloc FROM pg_stat_statements_info") == before:
                place.sql("".join(f"SELECT 1{', 1' * next(width)};" for _ in range(60)))

        def evicted():
            return [(f["confidence"]["label"], f["reason"]) for f in place.findings(INFO, full_ratio=1.0)
                    if f["kind"] == "statements_evicted"]
        equal(evicted(), [], "before any")
        evict()
        ((label, reason),) = evicted()
        equal(label, "high", "since the last reading")
        contains(reason, " hours the least used statements were dropped")
        place.sql("SELECT pg_stat_statements_reset()")
        equal(evicted(), [], "none since the reset")
        evict()
        place.state = place.dir / "forgetful"
        place.write()
        ((label, reason),) = evicted()
        equal(label, "low", "without an earlier reading")
        contains(reason, " times since the last reset the least used statements were dropped")
        place.sql(f"ALTER DATABASE {place.database} SET pg_stat_statements.track = 'none'")  # what we send evicts, too
        evicted()
        equal(evicted(), [], "none since the last reading")


def of(rows, queryid):
    return [r for r in rows if r["queryid"] == queryid]


def deltas_cover_what_was_added(version):
    with Given(version) as place:
        with_extension(place)
        place.sql("CREATE TABLE t (id int); INSERT INTO t SELECT generate_series(1, 10)")
        place.sql("SELECT count(*) FROM t WHERE id > 1; SELECT max(id) FROM t")
        first = place.run(PERSIST)["result"]
        equal((first["first_of_its_epoch"], first["interval_seconds"]), (True, None), "the first")
        ids = dict(line.split("|") for line in place.sql(
            "SELECT CASE WHEN query LIKE 'SELECT count(*) FROM t%' THEN 'count' ELSE 'max' END, queryid"
            f" FROM pg_stat_statements WHERE {HERE} AND"
            " (query LIKE 'SELECT count(*) FROM t%' OR query LIKE 'SELECT max(id)%')"
        ).splitlines())
        counted, largest = int(ids["count"]), int(ids["max"])
        equal([r.get("calls_delta") for r in of(own_rows(place), counted)], [None], "no delta in the first")
        for _ in range(3):
            place.sql("SELECT count(*) FROM t WHERE id > 7")
        place.sql("SELECT min(id) FROM t")
        second = place.run(PERSIST)["result"]
        holds(not second["first_of_its_epoch"] and second["interval_seconds"] > 0, second)
        rows = [r for r in own_rows(place) if r["snapshot_id"] == second["snapshot_id"]]
        row = of(rows, counted)[0]
        equal((row["calls"], row["calls_delta"], row["rows_delta"]), (4, 3, 3), "what was added")
        holds(0 < row["total_exec_time_delta"] < row["total_exec_time"], row)
        equal(row["interval_seconds"], second["interval_seconds"], "its interval")
        equal(of(rows, largest), [], "what did not move is not stored")
        fresh = int(place.sql(f"SELECT queryid FROM pg_stat_statements WHERE {HERE} AND query LIKE 'SELECT min(id)%'"))
        is_known = second["dealloc"] == first["dealloc"]  # others fill the server's table: what they push out may come back
        equal(of(rows, fresh)[0].get("calls_delta"), 1 if is_known else None, "what is new")
        place.run(PERSIST)
        own = f"dbid = (SELECT max(dbid) FROM pg_stat_history WHERE database_name = '{place.database}')"  # others use the server
        found = place.history(f"SELECT queryid, query, statement_kind FROM query_texts WHERE {own}")
        texts = {(int(row[0]), row[1], row[2]) for row in found["rows"]}
        equal(len(found["rows"]), len({row[0] for row in found["rows"]}), "each text once")
        contains(texts, (counted, "SELECT count(*) FROM t WHERE id > $1", "select"))
        contains({t[0] for t in texts}, fresh)
        place.run("explain_query_in_natural_language", query="SELECT count(*) AS looked_at FROM t WHERE id > 5")
        place.run(PERSIST)
        kinds = place.history("SELECT DISTINCT statement_kind, query LIKE '%looked_at%' FROM query_texts"
                              f" WHERE {own} AND (query LIKE 'EXPLAIN%' OR query LIKE '%pg_stat_statements(false)%')")["rows"]
        holds(kinds and {k[0] for k in kinds} == {"ours"}, f"what we sent ourselves: {kinds}")
        holds(any(str(k[1]).lower() == "true" for k in kinds), f"what was explained: {kinds}")


def no_delta_crosses_an_epoch(version):
    with Local(version) as place:
        place.sql("CREATE EXTENSION IF NOT EXISTS pg_stat_statements; CREATE TABLE t (id int)")
        place.sql("SELECT count(*) FROM t")
        first = place.run(PERSIST)["result"]
        equal((first["suspends_after_s"], first["skipped"]), (300, []), "a timeout that no snapshot has been too late for")
        place.sql("SELECT pg_stat_statements_reset()")
        place.sql("SELECT count(*) FROM t")
        place.sql("SELECT count(*) FROM t")
        result = place.run(PERSIST)["result"]
        holds(result["first_of_its_epoch"], f"after a reset: {result}")
        rows = [r for r in place.waiting("pg_stat_history") if r["snapshot_id"] == result["snapshot_id"]]
        equal([r for r in rows if r.get("calls_delta") is not None], [], "deltas across the reset")
        place.run(PERSIST)
        found = place.history("SELECT count(DISTINCT stats_reset) AS epochs FROM pg_stat_history")
        holds("2" in str(found), f"epochs: {found}")


BUSY = {"pg_stat_statements.track_planning": "on", "track_io_timing": "on", "temp_buffers": "'800kB'", "jit": "on", "jit_above_cost": 0,
        "jit_inline_above_cost": 0, "jit_optimize_above_cost": 0, "max_parallel_workers_per_gather": 2,
        "min_parallel_table_scan_size": 0, "parallel_setup_cost": 0, "parallel_tuple_cost": 0}
NO_COUNTERS = ("userid", "dbid", "toplevel", "queryid", "stats_since", "minmax_stats_since")


def counters_of(place):
    """What the server itself says of what work() sent: by statement, its totals under history's names."""
    rows = json.loads(place.sql("SELECT coalesce(json_agg(to_jsonb(s)), '[]') FROM pg_stat_statements s"
                                f" WHERE {HERE} AND query ~ 'busy|idle_one' AND query !~ 'pg_stat_statements'"))
    renamed = {"blk_read_time": "shared_blk_read_time", "blk_write_time": "shared_blk_write_time"}
    return {row["queryid"]: {renamed.get(name, name): value for name, value in row.items()
                             if name not in (*NO_COUNTERS, "query") and not name.startswith(("min_", "max_", "mean_", "stddev_"))}
            for row in rows}


def each_counter_has_its_delta(version):
    """What history says was added is the difference of two totals of the server, for each counter that it has."""
    def work():
        place.sql("INSERT INTO busy SELECT g, repeat('x', 300) FROM generate_series(1, 3000) g;"
                  "SELECT count(*) FROM (SELECT id, body FROM busy ORDER BY body, id DESC OFFSET 1) b;"
                  "CREATE TEMP TABLE busy_temp AS SELECT * FROM busy; SELECT count(*), max(body) FROM busy_temp;"
                  "UPDATE busy_temp SET id = id + 1; SELECT sum(id * 2) FROM busy WHERE id > 7")

    def taken(result):
        return {r["queryid"]: r for r in place.waiting("pg_stat_history") if r["snapshot_id"] == result["snapshot_id"]}

    with Ward(version, **BUSY) as ward, Private(ward) as place:
        place.write(more=KEEPS)
        with_extension(place)
        place.sql("CREATE TABLE busy (id int, body text)")
        work()
        before = counters_of(place)
        first = taken(place.run(PERSIST)["result"])
        equal([name for row in first.values() for name in row if name.endswith("_delta")], [], "deltas of the first of an epoch")
        for _ in range(3):
            work()
        after = counters_of(place)
        rows = taken(place.run(PERSIST)["result"])
        moved = set()
        for queryid, now in after.items():
            if now == before.get(queryid):
                equal(queryid in rows, False, "what did not move")
                continue
            row, was = rows[queryid], before.get(queryid, dict.fromkeys(now, 0))  # a temporary table is another one each time
            equal(sorted(n for n in row if n.endswith("_delta")), sorted(f"{n}_delta" for n in now), f"deltas of {queryid}")
            for name, value in now.items():
                equal(row[name], round(value, 6), f"total {name} of {queryid}")
                holds(abs(row[f"{name}_delta"] - (value - was[name])) < 1e-5, f"{name}: {row} after {was}")
                moved |= {name} if value > was[name] else set()
        compiled = [name for name in next(iter(after.values())) if name.startswith("jit_")]
        expected = {"calls", "plans", "rows", "total_exec_time", "total_plan_time", "shared_blks_hit", "shared_blks_dirtied",
                    "local_blks_hit", "local_blks_dirtied", "local_blks_written", "temp_blks_read", "temp_blks_written",
                    "temp_blk_write_time", "wal_records", "wal_bytes"}
        expected |= {name for name in compiled if place.sql("SELECT pg_jit_available()") == "t"}
        equal(expected - moved, set(), "counters that this was to move")
        ward.shell('pg_exec "$bin/pg_ctl" -D "$data" -m fast -w -l "$log" restart >/dev/null')
        work()
        result = place.run(PERSIST)["result"]
        again = taken(result)
        holds(result["first_of_its_epoch"] and set(after) <= set(again), f"after a restart: {result}")
        holds(all(again[q]["calls"] == after[q]["calls"] + 1 for q in before if q in after and after[q]["calls"] > 1), "the server has kept its totals")
        equal([name for row in again.values() for name in row if name.endswith("_delta")], [], "deltas across the restart")


def let(place, done):
    """Carried out, if it waits for a person."""
    holds(done.returncode in (0, 3), f"exit {done.returncode}: {done.stdout}{done.stderr}")
    for waiting in [a["id"] for a in place.approvals() if a["status"] == "pending"]:
        place.approve(waiting)


def what_goes_leaves_a_last_snapshot(version):
    with Local(version) as place:
        def counted(words):
            rows = place.history("SELECT h.branch_id, h.calls FROM pg_stat_history h JOIN query_texts t ON t.queryid = h.queryid"
                                 f" AND t.branch_id = h.branch_id WHERE t.query LIKE '%{words}%'")["rows"]
            return [(row[0], int(row[1])) for row in rows]

        place.sql("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
        for branch, table in (("one", "pg_proc"), ("two", "pg_class")):
            place.cli("target", "create", branch, "--ttl", "1h", check=0)
            place.sql(f"SELECT count(*) AS words_of_{branch} FROM {table}", branch=branch)
        place.cli("target", "delete", "one", "--plan", check=0)
        equal(counted("words"), [], "a plan keeps nothing")
        let(place, place.cli("target", "reset", "two", check=None))
        let(place, place.cli("target", "delete", "one", check=None))
        equal((counted("words_of_one"), counted("words_of_two")), ([("one", 1)], [("two", 1)]), "what they had counted")
        holds("one" not in place.branches(), "it is gone")
        if version == VERSIONS[-1]:  # how long it is waited for does not depend on the server
            somebody = place.session("two")
            somebody.stdin.write("BEGIN; LOCK TABLE pg_extension IN ACCESS EXCLUSIVE MODE; SELECT 'held';\n")
            equal(somebody.stdout.readline().strip(), "held", "what a snapshot reads is locked")
            told = place.cli("--json", "target", "delete", "two", check=None)
            somebody.stdin.close()
            somebody.wait()
        else:
            place.sql("ALTER FUNCTION pg_stat_statements(boolean) RENAME TO gone", branch="two")
            told = place.cli("--json", "target", "delete", "two", check=None)
        contains(told.stdout, '"not_kept"', "a last snapshot of the statements of shop/two")
        let(place, told)
        equal(sorted(place.branches()), ["production"], "what cannot be kept holds nothing up")


suite(*each_version(only_new_evictions_are_news, every_column_is_there, an_older_extension_is_read_too, says_where_nothing_can_be_read, info_is_kept,
                    deltas_cover_what_was_added, each_counter_has_its_delta, no_delta_crosses_an_epoch,
                    what_goes_leaves_a_last_snapshot),
      at_once=3)
