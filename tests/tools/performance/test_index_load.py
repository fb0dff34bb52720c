"""What an index does to the work on its table is measured on a branch: its statements are executed without the index and with
it, and rows are written, which is undone. An index that makes them slower together is not proposed, whatever the planner says."""

import re

from place import Local, contains, each_version, equal, holds, suite

TARGETS = (("production", "production"), ("perf-*", "throwaway"))
# Late ones are 1 % of the rows, and the last by `made`: the planner, which takes them to be anywhere, walks an index of
# `made` to the first ten, and meets nearly all rows on its way, each in another block.
TABLES = """
CREATE EXTENSION IF NOT EXISTS pg_stat_statements;
CREATE TABLE "Odd events" (id int, made int, late boolean, kind int);
INSERT INTO "Odd events" SELECT i, (i::bigint * 7919) % 120000, (i::bigint * 7919) % 120000 > 118800, i % 1000
  FROM generate_series(1, 120000) i;
CREATE VIEW seen AS SELECT * FROM "Odd events";
VACUUM ANALYZE "Odd events";
SELECT pg_stat_statements_reset();
"""
FINDS = 'SELECT count(id) FROM "Odd events" WHERE made = 17;'
HARMED = 'SELECT id, kind FROM "Odd events" WHERE late ORDER BY made LIMIT 10;'
LIMITS = {"min_calls": 5, "min_mean_ms": 0, "min_share": 0, "min_rows": 1000, "min_bytes": 0}
MADE = {"schema": "public", "table": "Odd events", "columns": [{"name": "made"}], "equal": 1}
KIND = {**MADE, "columns": [{"name": "kind"}]}


def statement(number, query, calls):
    return {"query_id": str(number), "query": query, "calls": calls}


def proof_of(place, candidate, statements, **params):
    result = place.run("prove_index_on_branch", branch="perf-load", candidates=[candidate], statements=statements, **params)["result"]
    return result["proofs"][0]


def sums(place, branch=None):
    return place.sql('SELECT count(*), sum(id::int8 * made), sum(id::int8 * kind) FROM "Odd events"', branch)


def what_is_measured_decides(version):
    with Local(version, targets=TARGETS) as place:
        for one in filter(str.strip, TABLES.split(";\n")):
            place.psql("-c", one)
        place.sql(FINDS * 6)
        place.sql(HARMED * 60)
        before = sums(place)
        tried = place.run("detect_missing_indexes", prove="branch", **LIMITS)["result"]
        an_index_that_harms_is_not_proposed(tried)
        one_that_helps_is(tried)
        equal(set(place.branches()), {"production"}, "branches afterwards")
        equal(place.sql("SELECT count(*) FROM pg_stat_statements WHERE query ~ 'EXPLAIN.*ANALYZE|pg_current_wal_insert_lsn'"), "0",
              "what was executed in production")
        equal(sums(place), before, "rows of production")
        what_was_measured_is_recommended(place)

        place.cli("target", "create", "perf-load", "--ttl", "1h", check=0)
        what_cannot_be_executed_is_named(place, before)
        what_undid_itself_has_not_failed(place)
        what_takes_too_long_is_cut(place)
        what_arrays_are_compared_with_has_their_type(place)
        a_parameter_that_is_an_array_has_a_row_s(place)
        what_was_measured_is_not_the_planner_s_to_judge(place)
        no_trigger_is_fired(place)
        refused = place.run("prove_index_on_branch", candidates=[KIND], statements=[statement(1, FINDS, 1)], check=1)
        contains(str(refused["error"]), "is no branch to throw away")


def an_index_that_harms_is_not_proposed(tried):
    """By the planner's word it costs nobody anything, and gains much."""
    refused = [s["reason"] for s in tried["skipped"] if s["object"] == "public.Odd events"]
    equal(len(refused), 1, f"what was refused: {tried['skipped']}")
    contains(refused[0], "an index of (made), built on the branch perf-index-", "makes the table's statements slower")
    took = re.search(r"take ([\d.e+]+) ms a call and took ([\d.e+]+); slower: -?\d+ \(", refused[0])
    holds(took and float(took[1]) > 1.1 * float(took[2]), f"the times: {refused[0]}")


def one_that_helps_is(tried):
    equal([f["fix"] for f in tried["findings"]],
          ['CREATE INDEX CONCURRENTLY "Odd events_made_idx" ON public."Odd events" (made) WHERE late'], "what is proposed")
    evidence = tried["findings"][0]["evidence"]
    load = evidence["executed"]
    equal((load["planned_anew"], load["slower"], load["not_executed"]), (1, [], []), "what was executed")
    holds(load["statements_executed"] >= 2 and load["calls"] >= 66, f"with what the test itself asked: {load}")
    holds(0 < load["ms_per_call_with_it"] < load["ms_per_call_now"], f"what it gained: {load}")
    holds(evidence["wal_bytes_per_row_now"] > 20, f"what a row logs: {evidence}")
    contains(tried["findings"][0]["reason"], "the table's statements, executed there, take", "a row that is written logs")


def what_was_measured_is_recommended(place):
    limits = {name: value for name, value in LIMITS.items() if name != "min_bytes"}
    place.run("generate_index_recommendation", prove="branch", min_table_bytes=0, **limits)
    rows = place.history("SELECT evidence FROM index_recommendations WHERE recommendation_type = 'create_missing'")["rows"]
    equal(len(rows), 1, f"recommendations {rows}")
    contains(str(rows), "ms_per_call_with_it", "wal_bytes_per_row_with_it")


def what_cannot_be_executed_is_named(place, before):
    place.sql("CREATE FUNCTION own(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1'", branch="perf-load")
    table = '"Odd events"'
    given = [statement(1, f"SELECT count(id) FROM {table} WHERE kind = $1", 3),
             statement(2, "SELECT count(*) FROM seen WHERE kind = 5", 1),
             statement(3, f"SELECT random() FROM {table} WHERE kind = $1", 9),
             statement(4, f"UPDATE {table} SET kind = $1 WHERE id = $2", 9),
             statement(5, f"SELECT id FROM {table} WHERE kind = 5 FOR UPDATE", 9),
             statement(6, f"SELECT own(id) FROM {table} WHERE kind = 5", 9),
             statement(7, f"SELECT id FROM {table} WHERE now() - $1 > interval '1 day'", 9),
             statement(8, "SELECT count(*) FROM pg_class", 9),
             statement(9, f"WITH gone AS (DELETE FROM {table} RETURNING id) SELECT count(*) FROM gone", 9)]
    proof = proof_of(place, KIND, given)
    load = proof["load"]
    equal((load["statements_executed"], load["planned_anew"], load["calls"]), (2, 2, 4), f"what was executed: {load}")
    holds(load["ms_per_call_with_it"] < load["ms_per_call_now"], f"what it gained: {load}")
    why = {s["query_id"]: s["why"] for s in load["not_executed"]}
    equal(set(why), {"3", "4", "5", "6", "7", "9"}, f"what was not: {why}")
    contains(why["3"], "random(), which is volatile")
    for number in ("4", "5", "9"):
        equal(why[number], "it does not only read", number)
    contains(why["6"], "cannot be seen through")
    contains(why["7"], "no values are known")
    holds(proof["row_wal_after"] > 1.1 * proof["row_wal_before"] > 20, f"what it adds to the log: {proof}")
    equal(sums(place, "perf-load"), before, "what was written is undone")
    equal(proof_of(place, KIND, given, load_ms=0)["load"], None, "where nothing may be executed")


def what_undid_itself_has_not_failed(place):
    """Neither in its run nor in the audit log."""
    known = {r["audit_id"] for r in place.waiting("audit_log")}
    done = place.run("prove_index_on_branch", branch="perf-load", candidates=[KIND], statements=[statement(1, FINDS, 1)])
    wrote = [c for c in done["changes"] if c["group"].startswith("write some rows")]
    equal([(c["outcome"], c["executed"], c["error"]) for c in wrote], [("undone", False, None)] * 6, "in its run")
    rows = [r for r in place.waiting("audit_log") if r["audit_id"] not in known and r["phase"] == "outcome"]
    equal({r["outcome"] for r in rows}, {"applied", "undone"}, "in the audit log")
    undone = [r for r in rows if r["outcome"] == "undone"]
    equal([(r.get("error_code"), r.get("error_message")) for r in undone], [(None, None)] * 6, "of what was undone")


def what_takes_too_long_is_cut(place):
    slow = 'SELECT count(*) FROM "Odd events" a, "Odd events" b WHERE a.kind + b.kind = a.id + 7 AND a.kind <> b.made'
    load = proof_of(place, KIND, [statement(1, slow, 1)], statement_ms=200)["load"]
    equal((load["statements_executed"], "ms_per_call_now" in load), (0, False), f"what was executed: {load}")
    contains(load["not_executed"][0]["why"], "it takes longer than 200 ms")


def what_arrays_are_compared_with_has_their_type(place):
    """As statistics keep it, what is compared with an array of numbers would be one of texts to the server."""
    place.sql("""CREATE TABLE "Tagged" (id int, kind int, tags int[]); INSERT INTO "Tagged"
                 SELECT i, i % 1000, ARRAY[i % 10, i % 100] FROM generate_series(1, 20000) i; ANALYZE "Tagged" """, branch="perf-load")
    given = [statement(1, 'SELECT count(*) FROM "Tagged" WHERE tags && ARRAY[$1, $2]', 3),
             statement(2, 'SELECT count(*) FROM public."Tagged" t WHERE $1 = ANY (t.tags) AND kind = ANY (ARRAY[$2, $3])', 2),
             statement(3, 'SELECT count(*) FROM "Tagged" WHERE tags @> ARRAY[$1]::int[]', 1)]
    load = proof_of(place, {**KIND, "table": "Tagged"}, given)["load"]
    equal((load["statements_executed"], load["calls"], load["not_executed"]), (3, 6, []), f"what was executed: {load}")


def a_parameter_that_is_an_array_has_a_row_s(place):
    """As drivers send it, all of it in one."""
    place.sql(r"""CREATE TABLE "Labelled" (id int, kind int, tags int[], words text[], grid int[], doc jsonb, none int[]);
                  INSERT INTO "Labelled" SELECT i, i % 1000, ARRAY[i % 10, NULL, i % 100], ARRAY['a "b" \c', 'x,{' || i, 'NULL'],
                  ARRAY[ARRAY[i, 1], ARRAY[2, 3]], jsonb_build_array(i) FROM generate_series(1, 20000) i;
                  ANALYZE "Labelled" """, branch="perf-load")
    given = [statement(1, 'SELECT count(*) FROM "Labelled" WHERE tags && $1', 3),
             statement(2, 'SELECT count(*) FROM "Labelled" WHERE $1 <@ words AND kind = $2', 2),
             statement(3, 'SELECT count(*) FROM "Labelled" WHERE grid = $1::int[]', 1),
             statement(4, 'SELECT count(*) FROM "Labelled" WHERE doc @> $1', 1),
             statement(5, 'SELECT count(*) FROM "Labelled" WHERE none && $1', 1)]
    load = proof_of(place, {**KIND, "table": "Labelled"}, given)["load"]
    equal((load["statements_executed"], load["calls"]), (3, 6), f"what was executed: {load}")
    equal({s["query_id"]: s["why"] for s in load["not_executed"]},
          dict.fromkeys(("4", "5"), "no values are known for its parameters"), "a document, and what no row has")


def what_was_measured_is_not_the_planner_s_to_judge(place):
    """With the index it sees values that were not there when the table was analysed, and takes the same join to cost more."""
    place.sql("""CREATE TABLE "Odd grown" (id int, made int, kind int, late boolean) WITH (autovacuum_enabled = off);
                 INSERT INTO "Odd grown" SELECT i, i, i % 100, false FROM generate_series(1, 20000) i; ANALYZE "Odd grown";
                 INSERT INTO "Odd grown" SELECT i, i, i % 100, i % 50 <> 0 FROM generate_series(20001, 40000) i""", branch="perf-load")
    given = [statement(1, 'SELECT count(*) FROM "Odd grown" a JOIN "Odd grown" b ON a.kind = b.kind'
                          ' WHERE a.made > 21000 AND NOT a.late', 1)]
    by_cost = proof_of(place, {**MADE, "table": "Odd grown"}, given, load_ms=0)
    equal((by_cost["mix_worse"], by_cost["mix_worst"]), (1, "1"), f"by the planner's word: {by_cost}")
    by_time = proof_of(place, {**MADE, "table": "Odd grown"}, given)
    equal((by_time["load"]["statements_executed"], by_time["mix_worse"], by_time["mix_worst"]), (1, 0, None), f"by its time: {by_time}")


def no_trigger_is_fired(place):
    place.sql("""CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
                 CREATE TRIGGER told BEFORE UPDATE ON "Odd events" FOR EACH ROW EXECUTE FUNCTION tell()""", branch="perf-load")
    proof = proof_of(place, KIND, [])
    contains(proof["why_no_write"], "triggers")
    equal((proof["row_wal_before"], proof["row_wal_after"]), (None, None), "what was written")


suite(*each_version(what_is_measured_decides), at_once=2)
