"""The rules on slow statements, each with a plan or a count that nearly fits it and must not: both sides of its threshold."""

from place import Given, each_version, equal, holds, skip, suite

from query_tables import forget_statements
from upkeep import Private, wait_for_others
from ward import Ward

TOOL, EXPLAIN = "analyze_slow_queries_with_ai", "explain_query_in_natural_language"
PATIENT_MS = 60000


def look(place, *statements):
    """What is made of them alone: kinds of findings, and why each is there."""
    forget_statements(place)
    place.psql("-o", "/dev/null", text=";".join(statements))
    result = place.run(TOOL, min_mean_exec_ms=0, max_queries=50, review=False)["result"]
    return {f["kind"] for f in result["findings"]}, [a["reason"] for a in result["analyses"]]


def has(place, kind, *statements):
    return kind in look(place, *statements)[0]


def seed(place):
    """10,000 rows of which the planner thinks that a third is below a value that it does not know."""
    place.sql("CREATE EXTENSION pg_stat_statements; CREATE TABLE t (id int, a int, b int);"
              "INSERT INTO t SELECT i, i % 11, i % 11 FROM generate_series(1, 12000) i")
    place.sql("VACUUM ANALYZE t")


def temporary_files_count_by_the_execution(version):
    """One sort that spilled, among so many others that it is less than a block a time."""
    small, sort = "SET work_mem = '64kB'", "SELECT id FROM t ORDER BY a, id LIMIT 10 OFFSET 11990"
    with Given(version) as place:
        seed(place)
        found, reasons = look(place, small, sort)
        holds("temporary_files" in found, f"it spilled: {found}")
        equal(reasons, ["spilling"], "why it is here")
        blocks = int(place.sql("SELECT sum(temp_blks_written) FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid"
                               " WHERE d.datname = current_database() AND query LIKE 'SELECT id FROM t%'"))
        holds(0 < blocks < 1000, f"blocks written: {blocks}")
        found, reasons = look(place, small, sort, "RESET work_mem", *[sort] * (blocks + 20))
        equal((found & {"temporary_files", "spill"}, reasons), (set(), ["slow"]), "one in many spilled")


def many_rows_are_many_to_one_reader(version):
    below = "SELECT id FROM t WHERE id <= {}"
    with Given(version) as place:
        seed(place)
        equal([has(place, "many_rows_returned", below.format(n)) for n in (10_000, 9_999)], [True, False], "rows returned")
        equal(has(place, "many_rows_returned", below.format(12_000), below.format(1), below.format(1)), False, "on average")
        equal(has(place, "many_rows_returned", "INSERT INTO t SELECT id, a, b FROM t"), False, "rows that it writes")


def estimates_may_be_off_by_something(version):
    """A 200th of the rows is expected of a comparison of two columns: 60 of 12,000. Of values that the plan was not made with
    nothing is known: 4,000 are expected below any, whatever it is."""
    same, kind = "SELECT id FROM pairs WHERE id = {}", "row_estimate_off"
    with Given(version) as place:
        seed(place)
        place.sql("CREATE TABLE pairs (id int, ten_times int, less int, none int); INSERT INTO pairs"
                  " SELECT i, CASE WHEN i <= 600 THEN i ELSE -i END, CASE WHEN i <= 599 THEN i ELSE -i END, -i FROM generate_series(1, 12000) i;"
                  "CREATE TABLE five AS SELECT generate_series(1, 5)")
        place.sql("VACUUM ANALYZE pairs")
        equal([has(place, kind, same.format(other)) for other in ("ten_times", "less")], [True, False], "ten times")
        equal(has(place, kind, "SELECT id FROM pairs LIMIT (SELECT count(*) FROM five)"), False, "where a limit ends it")
        equal([has(place, kind, f"SELECT id FROM t WHERE id <= {n}") for n in (0, 10, 400)], [False] * 3, "a plan for any value")
        place.sql("INSERT INTO pairs SELECT i, -i, -i, -i FROM generate_series(12001, 20200) i")
        place.sql("VACUUM ANALYZE pairs")
        equal(has(place, kind, same.format("none")), True, "101 expected, and none came")
        place.sql("DELETE FROM pairs WHERE id > 19600; VACUUM FULL pairs; ANALYZE pairs")
        equal(has(place, kind, same.format("none")), False, "98 expected: too few to matter")


def executions_may_be_off_by_something(version):
    """Columns that go together, which the planner takes for independent of each other: it expects an 11th of what comes."""
    off = "SELECT count(*) FROM {} WHERE a = 1 AND b = 1"
    with Given(version, kind="throwaway") as place:
        seed(place)
        place.sql("CREATE TABLE nine AS SELECT i % 9 AS a, i % 9 AS b FROM generate_series(1, 12000) i; ANALYZE nine;"
                  "CREATE TABLE few AS SELECT i % 11 AS a, i % 11 AS b FROM generate_series(1, 1001) i; ANALYZE few")

        def seen(table):
            evidence = place.run(EXPLAIN, query=off.format(table), analyze=True, timeout_ms=PATIENT_MS)["result"]["evidence"]
            return [e["facts"]["rows_found"] for e in evidence if "rows_found" in e["facts"]]
        equal(seen("t"), [1091], "eleven times as many")
        equal(seen("nine"), [], "nine times as many")
        equal(seen("few"), [], "eleven times as many, and few all the same")


def executions_show_what_was_for_nothing(version):
    """Each a little above what is worth a word, and a little below."""
    workers = "a plan for workers of which none may come"
    with Given(version, kind="throwaway") as place:
        place.sql("CREATE TABLE runs (a int, b int) WITH (autovacuum_enabled = off);"
                  "INSERT INTO runs SELECT i / 15000, i FROM generate_series(1, 60000) i; CREATE INDEX ON runs (a);"
                  "CREATE TABLE young (id int) WITH (autovacuum_enabled = off);"
                  "INSERT INTO young SELECT generate_series(1, 60000); CREATE INDEX ON young (id); ANALYZE runs; ANALYZE young")

        def facts(query):
            result = place.run(EXPLAIN, query=query, analyze=True, timeout_ms=PATIENT_MS)["result"]
            holds(result["is_executed"], f"{query}: {result['not_executed']}")
            return [e["facts"] for e in result["evidence"]]

        def told(query, name):
            return [f[name] for f in facts(query) if name in f]
        found = "SELECT count(*) FROM runs WHERE a = 1 AND b < {}"
        equal(told(found.format(15020), "rows_by_index"), [15000], "20 of 15,000 are kept")
        equal(told(found.format(17000), "rows_by_index"), [], "2,000 of 15,000 are kept")
        seen = "SELECT count(*) FROM young WHERE id <= {}"
        equal(told(seen.format(12000), "heap_fetches"), [12000], "the table is read for each row")
        equal(told(seen.format(9000), "heap_fetches"), [], "for a few rows")
        wait_for_others(place, int(place.sql("SELECT pg_current_xact_id()")))  # else its rows are not yet visible to all
        place.sql("VACUUM young")
        equal(told(seen.format(12000), "heap_fetches"), [], "after a vacuum")
        place.sql(f"ALTER DATABASE {place.database} SET min_parallel_table_scan_size = 0;"
                  f"ALTER DATABASE {place.database} SET parallel_setup_cost = 0; ALTER DATABASE {place.database} SET parallel_tuple_cost = 0")
        everything = "SELECT count(*) FROM runs WHERE b > 5"
        place.sql(f"ALTER DATABASE {place.database} SET max_parallel_workers = 0")
        holds(told(everything, "workers_launched") == [0], workers)


def compiling_is_worth_it_where_it_takes_little(version):
    """Where the server can compile at all. What an execution takes depends on the machine, so the rest is waited for."""
    eager = "SET jit = on; SET jit_above_cost = 0; SET jit_inline_above_cost = 0; SET jit_optimize_above_cost = 0"
    work, kind = "SELECT sum(a + b), max(pg_sleep({})::text) FROM (SELECT * FROM t LIMIT 1) t", "compiled_for_nothing"
    share = ("SELECT sum(jit_generation_time + jit_inlining_time + jit_optimization_time + jit_emission_time)"
             " / sum(total_exec_time) FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid"
             " WHERE d.datname = current_database() AND s.query LIKE 'SELECT sum(a + b)%'")
    with Given(version) as place:
        seed(place)
        if place.sql("SET jit = on; SELECT pg_jit_available()") == "f":
            skip("this server has no compiler")
        equal(has(place, kind, eager, work.format("0.0")), True, "it takes most of the time")
        while float(place.sql(share)) > 0.25:
            place.psql("-o", "/dev/null", text=f"SET jit = off; {work.format(0.5)}")
        holds(float(place.sql(share)) > 0.01, "it still takes something")
        kinds = {f["kind"] for f in place.findings(TOOL, min_mean_exec_ms=0, max_queries=50, review=False)}
        equal(kind in kinds, False, "it takes a quarter of the time")


def reads_past_the_cache_are_many_and_most(version):
    """On a server with 512 blocks of shared memory: what reads all of a larger table reads most of it anew each time."""
    count, kind = "SELECT count(*) FROM {}", "reads_past_the_cache"
    often = "SELECT (SELECT count(*) FROM fat), (SELECT count(*) FROM generate_series(1, 3000) g WHERE g = (SELECT id + g FROM one))"
    with Ward(version) as ward, Private(ward) as place:
        place.sql("CREATE EXTENSION pg_stat_statements; CREATE TABLE fat (id int, note text) WITH (autovacuum_enabled = off);"
                  "ALTER TABLE fat ALTER note SET STORAGE PLAIN;"
                  "INSERT INTO fat SELECT i, repeat('x', 7000) FROM generate_series(1, 2000) i;"
                  "CREATE TABLE less AS SELECT * FROM fat WHERE id <= 950; CREATE TABLE one AS SELECT 1 AS id")

        def counted(part):
            return [int(n) for n in place.sql("SELECT sum(shared_blks_read), sum(shared_blks_hit) FROM pg_stat_statements"
                                              f" WHERE query LIKE '{part}%'").split("|")]
        equal(has(place, kind, count.format("fat")), True, "2,000 blocks, most of them read")
        equal(has(place, kind, count.format("less")), False, "950 blocks, most of them read")
        reads, hits = counted("SELECT count(*) FROM less")
        holds(reads < 1000 and reads > hits, f"read {reads}, found {hits}")
        equal(has(place, kind, often), False, "2,000 blocks read, and 3,000 found in memory")
        reads, hits = counted("SELECT (SELECT count(*) FROM fat)")
        holds(reads >= 1000 and reads < hits, f"read {reads}, found {hits}")


suite(*each_version(temporary_files_count_by_the_execution, many_rows_are_many_to_one_reader, estimates_may_be_off_by_something,
                    executions_may_be_off_by_something, executions_show_what_was_for_nothing, compiling_is_worth_it_where_it_takes_little,
                    reads_past_the_cache_are_many_and_most), at_once=2)
