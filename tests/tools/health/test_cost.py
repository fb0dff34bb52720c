"""track_cost_attribution where there is no bill: that is said, and nothing is made up."""

import json

from place import Given, contains, each_version, equal, holds, suite
from planted import KEEPS, answer, midnight, plant

TOOL = "track_cost_attribution"


def without_billing_tables_that_is_said(version):
    with Given(version, more=KEEPS) as place:
        told = place.run(TOOL, branch="")
        equal([told["status"], told["result"]["examined"]], ["ok", {"lines of the bill": 0}], "at home")
        contains(told["result"]["skipped"][0]["reason"], "no billing tables can be read")
        equal(place.waiting("cost_attribution"), [], "rows of nothing")
        place.run(TOOL, branch="", days=0, check=2)


def our_share_is_what_the_server_counted(version):
    with Given(version, more=KEEPS) as place:
        place.sql("CREATE EXTENSION pg_stat_statements")
        snapshot = dict(own="keep", texts=True)
        place.run("persist_pg_stat_statements", **snapshot)
        place.run("monitor_system_health")
        place.sql("SELECT pg_sleep(0.3)")
        place.run("persist_pg_stat_statements", **snapshot)
        young = place.run(TOOL, branch="")["result"]["own_load"]
        equal([(o["share"], o["verdict"]) for o in young], [(None, "not enough data")], "snapshots of a few seconds")
        texts = answer(place, "SELECT DISTINCT queryid, dbid, statement_kind FROM query_texts")
        ours = {(t["queryid"], t["dbid"]) for t in texts if t["statement_kind"] == "ours"}
        holds(ours, "the server's statistics have statements of ours")
        epoch = {"granularity": "hour", "system_identifier": 1, "postmaster_start": midnight(-4), "userid": 10, "toplevel": True,
                 "calls": 1, "total_exec_time": 5000.0, "calls_delta": 1}
        plant(place, "pg_stat_history", [{**epoch, "snapshot_timestamp": midnight(-3), "dbid": 1, "queryid": 1,
                                          "total_exec_time_delta": 5000.0}])
        (told,) = place.run(TOOL, branch="")["result"]["own_load"]
        rows = answer(place, "SELECT queryid, dbid, toplevel, total_exec_time_delta AS ms FROM pg_stat_history")
        rows = [r for r in rows if r["ms"] is not None and r["toplevel"]]
        own = sum(r["ms"] for r in rows if (r["queryid"], r["dbid"]) in ours) / 1000
        whole = sum(r["ms"] for r in rows) / 1000
        holds(own > 0 and whole > 5.2, f"{own} of {whole} s")
        equal((round(told["own_seconds"], 6), round(told["all_seconds"], 6), told["counted_by"]),
              (round(own, 6), round(whole, 6), "the server"), "ours and all")
        equal(told["verdict"], "met" if own <= 0.01 * whole else "missed", "against the budget")
        (found,) = (m for m in json.loads(place.cli("--json", "report", check=0).stdout)["measures"] if m["id"] == "own_time")
        equal((round(found["value"], 9), found["verdict"]), (round(own / whole, 9), told["verdict"]), "in the report")


suite(*each_version(our_share_is_what_the_server_counted, without_billing_tables_that_is_said), at_once=2)
