"""Without HypoPG an index is proven by building it on a branch, which is gone afterwards."""

import re

from place import Given, Local, contains, each_version, equal, holds, suite

TARGETS = (("production", "production"), ("perf-*", "throwaway"))
TABLES = """
CREATE EXTENSION IF NOT EXISTS pg_stat_statements;
CREATE TABLE "Odd Orders" (id int PRIMARY KEY, customer_id int, note text);
INSERT INTO "Odd Orders" SELECT i, i % 5000, repeat('x', 60) || i FROM generate_series(1, 40000) i;
CREATE TABLE parts (id int, device int, note text) PARTITION BY RANGE (id);
CREATE TABLE parts_a PARTITION OF parts FOR VALUES FROM (0) TO (20001);
CREATE TABLE parts_b PARTITION OF parts FOR VALUES FROM (20001) TO (90000);
INSERT INTO parts SELECT i, i % 4000, repeat('y', 60) FROM generate_series(1, 40000) i;
ANALYZE "Odd Orders"; ANALYZE parts;
"""
LOAD = 'SELECT count(note) FROM "Odd Orders" WHERE customer_id = 17; SELECT count(note) FROM parts WHERE device = 9;' * 5
LIMITS = {"min_calls": 5, "min_mean_ms": 0, "min_share": 0, "min_rows": 1000}
ALL = {**LIMITS, "min_bytes": 0}


def the_gain_is_measured_where_it_was_built(version):
    with Local(version, targets=TARGETS) as place:
        place.sql(TABLES + LOAD)
        plain = place.findings("detect_missing_indexes", **ALL)
        equal([(f["evidence"]["is_proven"], f["evidence"]["proven_on_branch"]) for f in plain], [(False, None)] * 2, "unproven")
        planned = place.run("detect_missing_indexes", plan=True, prove="branch", **ALL)["result"]
        contains(str(planned["skipped"]), "a plan makes no branch")
        equal(set(place.branches()), {"production"}, "branches of a plan")

        tried = place.run("detect_missing_indexes", prove="branch", **ALL)["result"]
        holds("on a branch" not in str(tried["skipped"]), f"what could not be tried: {tried['skipped']}")
        proven = {f["object"]: f for f in tried["findings"]}
        equal(set(proven), {"public.Odd Orders", "public.parts"}, "what would help")
        for found in proven.values():
            evidence = found["evidence"]
            holds(evidence["is_proven"] and evidence["cost_with_it"] < 0.5 * evidence["cost_now"], f"the gain {evidence}")
            holds(re.search(r"built on the branch perf-index-\d{8}-\d{6}-[0-9a-f]{8}\b", found["reason"]), f"{found['reason']}")
            holds(found["impact"]["bytes_added"] > 100000 and evidence["build_ms"] > 0, f"what it took {found}")
        equal(set(place.branches()), {"production"}, "branches afterwards")
        equal(place.sql("SELECT count(*) FROM pg_indexes WHERE tablename IN ('Odd Orders', 'parts')"), "1", "indexes of production")

        asked = place.run("analyze_slow_queries_with_ai", prove="branch", min_mean_exec_ms=0, min_calls=5, review=False)["result"]
        says = [f["reason"] for f in asked["findings"] if f["kind"] == "missing_index"]
        equal(len(says), 2, f"what statements show: {asked['findings']}")
        for sentence in says:
            contains(sentence, "the planner says where it was built on a branch")
        equal(set(place.branches()), {"production"}, "branches in the end")


def what_cannot_be_tried_is_said(version):
    with Given(version) as place:
        place.sql(TABLES + LOAD)
        found = place.run("detect_missing_indexes", prove="branch", **ALL)["result"]
        contains(str(found["skipped"]), "nothing could be tried on a branch")
        equal([f["evidence"]["is_proven"] for f in found["findings"]], [False, False], "findings that nobody has proven")
        one = [{"schema": "public", "table": "parts", "columns": [{"name": "device"}], "equal": 1}]
        refused = place.run("prove_index_on_branch", candidates=one, check=1)
        contains(str(refused["error"]), "is no branch to throw away")
        place.run("prove_index_on_branch", candidates={"a": 1}, check=1)
        place.run("prove_index_on_branch", check=2)
        place.run("detect_missing_indexes", prove="perhaps", check=2)


suite(*each_version(the_gain_is_measured_where_it_was_built, what_cannot_be_tried_is_said), at_once=2)
