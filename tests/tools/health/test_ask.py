"""natural_language_dba and `lbops ask` on servers that the harness shares: what is said is so, and nothing is changed."""

from health_place import Clinic, on_each
from place import equal, holds, suite

TOOL = "natural_language_dba"
STATE = "SELECT n_dead_tup, vacuum_count, analyze_count FROM pg_stat_user_tables"


def what_it_says_is_so(version):
    with Clinic(version) as place:
        flush = "; SELECT pg_stat_force_next_flush()"
        place.sql("CREATE TABLE t (id int) WITH (autovacuum_enabled = off); INSERT INTO t SELECT"
                  " generate_series(1, 20000)" + flush)
        place.sql("DELETE FROM t WHERE id < 15000" + flush)
        before = place.sql(STATE)
        for _ in range(2):
            result = place.run(TOOL, question="Vacuum or drop: which tables need a vacuum?")["result"]
            found = next(e for e in result["evidence"] if e["object"] == "public.t")
            equal(found["facts"]["dead_rows"], 14999, str(found))
            holds(any(found["id"] in s["evidence"] for s in result["answer"]), str(result["answer"]))
            equal(place.sql(STATE), before, "nothing was done")
        holds("14999 dead rows" in place.cli("ask", "Which tables need a vacuum?", check=0).stdout, "the verb")
        place.run(TOOL, check=2)


suite(*on_each(what_it_says_is_so))
