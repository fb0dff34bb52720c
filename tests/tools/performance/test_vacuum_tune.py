"""tune_autovacuum_parameters on real servers: storage parameters change, old ones are kept, and the undo undoes."""

import json
import time

from place import PATIENCE, Given, Local, contains, each_version, equal, holds, suite

from databases import Branch
from planted import KEEPS, answer, metric, midnight, plant
from upkeep import Someone

TOOL = "tune_autovacuum_parameters"


def busy(place, name, changes=10_000, options="WITH (autovacuum_vacuum_scale_factor=1)"):
    """A table of which much changes, as far as the counters know, and to which autovacuum comes far too late."""
    place.sql(f"CREATE TABLE {name} (id int, n int) {options}; INSERT INTO {name} SELECT g, 0"
              f" FROM generate_series(1, 50000) g; ANALYZE {name}")
    place.sql(f"UPDATE {name} SET n = 1 WHERE id <= {changes}")


def options(place, name):
    return sorted(place.sql(f"SELECT coalesce(array_to_string(reloptions, ' '), '') FROM pg_class"
                            f" WHERE oid = '{name}'::regclass").split())


def tightens_what_comes_too_late(version):
    with Given(version) as place:
        busy(place, '"Odd "" t"', options="WITH (fillfactor=90, autovacuum_vacuum_scale_factor=1)")
        busy(place, "quiet", changes=0)
        place.sql("CREATE TABLE small (id int); INSERT INTO small SELECT generate_series(1, 100); ANALYZE small")
        before = options(place, '"Odd "" t"')
        run = {"min_hours": 0, "most_runs_per_hour": 1e9, "tables": ['public.Odd " t', "small", "quiet"]}
        planned = place.run(TOOL, plan=True, **run)
        equal(options(place, '"Odd "" t"'), before, "a plan changes nothing")
        document = place.run(TOOL, **run)
        equal(document["result"]["tables_tuned"], 1, f"tuned: {document['result']}")
        after = options(place, '"Odd "" t"')
        equal(after, ["autovacuum_vacuum_scale_factor=0.2", "autovacuum_vacuum_threshold=50", "fillfactor=90"], "after")
        equal(planned["changes"][0]["statement"], document["changes"][0]["statement"], "plan and change")
        row = place.waiting("vacuum_history")[0]
        equal((row["operation_type"], row["status"]), ("tune_autovacuum", "success"), "vacuum_history")
        settings = json.loads(row["settings"])
        equal(settings["old"], {"autovacuum_vacuum_scale_factor": "1"}, "old values")
        equal(settings["new"]["autovacuum_vacuum_threshold"], "50", "new values")
        undo = [r["undo"] for r in place.waiting("audit_log") if r.get("undo")][0]
        place.sql(undo)
        equal(options(place, '"Odd "" t"'), before, "after the undo")


def changes_nothing_twice(version):
    with Given(version) as place:
        busy(place, "t")
        run = {"min_hours": 0, "most_runs_per_hour": 1e9}
        equal(place.run(TOOL, **run)["result"]["tables_tuned"], 1, "first")
        after = options(place, "t")
        second = place.run(TOOL, **run)
        equal((second["result"]["tables_tuned"], second["changes"], options(place, "t")), (0, [], after), "second")


def says_what_it_leaves_alone(version):
    with Given(version) as place:
        busy(place, "off", options="WITH (autovacuum_enabled=off)")
        place.sql("CREATE TABLE unseen (id int)")
        result = place.run(TOOL, min_hours=10_000)["result"]
        contains(str(result["skipped"]), "their counters cover")
        equal(result["tables_tuned"], 0, "too early")
        skipped = str(place.run(TOOL, min_hours=0)["result"]["skipped"])
        contains(skipped, "autovacuum is switched off for it", "ANALYZE it first")
        busy(place, "often")
        contains(str(place.run(TOOL, min_hours=0, most_runs_per_hour=0)["result"]["skipped"]),
                 "comes often already")
        place.run(TOOL, check=2, off_by=0.5)


def settings_are_their_owners_whoever_may_vacuum(version):
    with Given(version) as place, Someone(place) as someone:
        busy(place, "t")
        before = options(place, "t")
        place.sql(f"ALTER DATABASE {place.database} OWNER TO {someone.role}")
        contains(someone.runs(TOOL, "--min_hours", "0", "--most_runs_per_hour", "1e9"), "the role does not own public.t")
        equal(options(place, "t"), before, "nothing is set")


TRIED = {"min_hours": 0, "revert_hours": 0, "again_hours": 0, "settle_runs": 1}
TUNED = ["autovacuum_vacuum_scale_factor=0.2", "autovacuum_vacuum_threshold=50", "fillfactor=90"]


class Hurried(Local):
    """A server of its own whose autovacuum comes when it is told to, and each second then."""

    def __init__(self, version):
        super().__init__(version, more=KEEPS)
        self.comes_every("1h")

    def comes_every(self, time_between):
        self.sql(f"ALTER SYSTEM SET autovacuum_naptime = '{time_between}'; SELECT pg_reload_conf()")

    def autovacuums(self, name):
        return int(self.sql(f"SELECT pg_stat_get_autovacuum_count('{name}'::regclass)"))

    def until_vacuumed(self, name, more_than=0):
        deadline = time.monotonic() + PATIENCE
        while self.autovacuums(name) <= more_than:
            holds(time.monotonic() < deadline, f"autovacuum has not come to {name}")
            time.sleep(0.2)

    def steps(self):
        """What stands in the history of the tunings, oldest first."""
        return answer(self, "SELECT operation_id, table_name, status, reason, settings FROM vacuum_history"
                            " WHERE operation_type = 'tune_autovacuum' ORDER BY executed_at")


def tuned(place, name):
    """Its dead rows are fewer than even the new trigger; once a few more come autovacuum does, too."""
    place.sql(f"CREATE TABLE {name} (id int, n int) WITH (fillfactor=90, autovacuum_vacuum_scale_factor=1);"
              f"INSERT INTO {name} SELECT g, 0 FROM generate_series(1, 50000) g")
    place.sql(f"VACUUM ANALYZE {name}")  # inserts alone bring autovacuum, too
    place.sql(f"UPDATE {name} SET n = 1 WHERE id <= 10000")
    before = options(place, name)
    result = place.run(TOOL, tables=[name], **TRIED)["result"]
    equal(result["tables_tuned"], 1, f"tuned: {result}")
    equal(options(place, name), TUNED, "as tuned")
    return before


def churn(place, name):
    """More dead rows than the tuned trigger, and less than the old one: that autovacuum comes is the tuning's doing."""
    came = place.autovacuums(name)
    place.sql(f"UPDATE {name} SET n = n + 1 WHERE id <= 12000")
    place.comes_every("1s")
    place.until_vacuumed(name, came)


def what_made_it_worse_is_taken_back(version):
    with Hurried(version) as place:
        place.sql("CREATE TABLE witness (id int, n int) WITH (autovacuum_vacuum_scale_factor=0.2, autovacuum_vacuum_threshold=50)")
        before = tuned(place, "t")
        churn(place, "t")
        document = place.run(TOOL, tables=["t"], **TRIED)
        result = document["result"]
        equal((result["tables_reverted"], result["tables_tuned"], result["tables_kept"]), (1, 0, 0), f"taken back: {result}")
        contains(result["results"][-1]["reason"], "taken back: autovacuum has come", "times an hour since")
        equal(options(place, "t"), before, "the old values")
        steps = place.steps()
        equal([s["status"] for s in steps], ["success", "success", "reverted"], "in the history")
        equal((steps[2]["operation_id"], steps[1]["operation_id"] != steps[0]["operation_id"]), (steps[0]["operation_id"], True), "whose end")
        undo = [r["undo"] for r in answer(place, "SELECT a.undo FROM audit_log a WHERE a.undo IS NOT NULL ORDER BY a.at")][-1]
        place.sql(undo)
        equal(options(place, "t"), TUNED, "what takes the taking back back")
        place.sql("ALTER TABLE t RESET (autovacuum_vacuum_threshold); ALTER TABLE t SET (autovacuum_vacuum_scale_factor=1)")
        came = place.autovacuums("t")
        place.sql("UPDATE t SET n = n + 1 WHERE id <= 12000; INSERT INTO witness SELECT g, 0 FROM generate_series(1, 2000) g;"
                  "ANALYZE witness; UPDATE witness SET n = 1")
        place.until_vacuumed("witness")
        equal(place.autovacuums("t"), came, "the old settings are at work: it comes to another table, and not to this one")
        again = place.run(TOOL, tables=["t"], most_runs_per_hour=0.001, **TRIED)["result"]
        equal((again["tables_reverted"], again["tables_tuned"]), (0, 0), "what was taken back is not taken back again")


def what_helped_is_kept(version):
    with Hurried(version) as place:
        tuned(place, "t")
        churn(place, "t")
        often = {**TRIED, "most_runs_per_hour": 1e9}
        early = place.run(TOOL, tables=["t"], **{**often, "again_hours": 24})["result"]
        equal((early["tables_kept"], len(early["skipped"])), (0, 1), "before its time")
        unripe = place.run(TOOL, tables=["t"], **{**often, "settle_runs": 3})["result"]
        equal((unripe["tables_kept"], unripe["tables_reverted"]), (0, 0), "autovacuum has come too seldom to judge it")
        result = place.run(TOOL, tables=["t"], **often)["result"]
        equal((result["tables_kept"], result["tables_reverted"], result["tables_tuned"]), (1, 0, 0), f"kept: {result}")
        equal(options(place, "t"), TUNED, "they stay")
        steps = place.steps()
        equal(([s["status"] for s in steps], steps[0]["operation_id"]), (["success", "kept"], steps[1]["operation_id"]), "in the history")
        contains(steps[1]["reason"], "autovacuum has come", "dead rows wait")
        result = place.run(TOOL, tables=["t"], **TRIED)["result"]
        equal((result["tables_kept"], result["tables_reverted"]), (0, 0), "it is judged once")
        equal(len(place.steps()), 2, "and told once")


def what_somebody_else_has_set_is_theirs(version):
    with Hurried(version) as place:
        tuned(place, "t")
        churn(place, "t")
        place.sql("ALTER TABLE t SET (autovacuum_vacuum_threshold=77)")
        theirs = options(place, "t")
        result = place.run(TOOL, tables=["t"], **TRIED)["result"]
        equal((result["tables_reverted"], result["tables_kept"], options(place, "t")), (0, 0, theirs), f"left alone: {result}")


def noted(place, name, **counters):
    """What looks at the table have noted since two days ago, each counter as it stood at the ends of so many equal times."""
    for what, values in counters.items():
        plant(place, "lakebase_metrics", [metric(f"table_{what}", midnight(-2, i), v, f"public.{name}") for i, v in enumerate(values)])


def a_compute_that_sleeps_each_night_is_tuned_by_what_was_noted(version):
    with Given(version, more=KEEPS) as place:
        busy(place, "t")
        busy(place, "slept", changes=0, options="")
        before = options(place, "t")
        early = place.run(TOOL)["result"]
        equal((early["tables_tuned"], options(place, "t")), (0, before), f"a server that was just started: {early}")
        contains(str(early["skipped"]), "their counters cover")
        noted(place, "t", rows_changed=[0, 200_000, 7_000, 90_000], rows_inserted=[50_000] * 4, autovacuums=[0] * 4)
        result = place.run(TOOL)["result"]
        equal([r["table"] for r in result["results"]], ["t"], f"tuned: {result}")
        contains(str(result["skipped"]), "public.slept", "its counters cover")
        equal(options(place, "t"), ["autovacuum_vacuum_scale_factor=0.1", "autovacuum_vacuum_threshold=50"], "after")
        evidence = next(json.loads(r["evidence"]) if isinstance(r["evidence"], str) else r["evidence"]
                        for r in place.waiting("audit_log") if r.get("evidence"))
        equal(evidence["counted_by"], "history, at least", f"evidence: {evidence}")
        contains(result["results"][0]["reason"], "; at least ", " rows change an hour")
        holds(24 < evidence["counted_hours"] < 73, f"hours: {evidence}")


def a_table_to_which_rows_are_only_added_is_frozen_in_small_parts(version):
    with Given(version, more=KEEPS) as place:
        for name in ("log", "mixed"):
            busy(place, name, changes=0, options="WITH (autovacuum_enabled=on)")
            noted(place, name, rows_changed=[0, 0 if name == "log" else 900], rows_inserted=[20_000, 50_000], autovacuums=[0, 1])
        result = place.run(TOOL, most_runs_per_hour=1e9)["result"]
        equal([r["table"] for r in result["results"]], ["log"], f"tuned: {result}")
        contains(result["results"][0]["reason"], "autovacuum waits for 11000 inserted rows", "with 3500 it freezes each page")
        equal(options(place, "log"), ["autovacuum_enabled=on", "autovacuum_vacuum_insert_scale_factor=0.05",
                                      "autovacuum_vacuum_insert_threshold=1000"], "after")


def a_large_table_is_analyzed_in_time(version):
    """Its vacuum has been seen to already; or somebody has said when it is to be analyzed."""
    own = "autovacuum_vacuum_scale_factor=0, autovacuum_vacuum_threshold=1000"
    with Given(version, more=KEEPS) as place:
        for name, more in (("large", ""), ("chosen", ", autovacuum_analyze_scale_factor=0.1")):
            busy(place, name, changes=0, options=f"WITH ({own}{more})")
            noted(place, name, rows_changed=[0, 6000], rows_inserted=[50_000] * 2, autovacuums=[0, 1])
        place.sql("UPDATE pg_class SET reltuples = 2000000 WHERE oid IN ('large'::regclass, 'chosen'::regclass)")
        before = options(place, "large")
        often = str(place.run(TOOL, most_runs_per_hour=0)["result"]["skipped"])
        contains(often, "its vacuums are in time", "analyzed late: an autovacuum_analyze_scale_factor of 0.02")
        holds("workers" not in often, f"what would not help: {often}")
        result = place.run(TOOL)["result"]
        equal([r["table"] for r in result["results"]], ["large"], f"tuned: {result}")
        contains(result["results"][0]["reason"], "autovacuum analyzes it after 200050 changed rows", "with 40050 plans know sooner")
        equal(options(place, "large"), sorted([*before, "autovacuum_analyze_scale_factor=0.02"]), "after")


def room_is_advised_where_updates_find_none(version):
    """Pages that are full make them write each index anew; where an indexed column is changed no room helps."""
    with Given(version, more=KEEPS) as place:
        busy(place, '"Crowded ""x"" y"', options="")
        busy(place, "bare", options="")
        place.sql('CREATE INDEX ON "Crowded ""x"" y" (id)')
        busy(place, "added", changes=0, options="")
        busy(place, "indexed", changes=0, options="WITH (fillfactor=85)")
        place.sql("CREATE INDEX ON indexed (n); UPDATE indexed SET n = id WHERE id % 10 = 0")
        for name in ('Crowded "x" y', "indexed", "bare"):
            noted(place, name, rows_changed=[0, 2_000_000], rows_inserted=[50_000] * 2, autovacuums=[0, 1],
                  rows_updated=[0, 1_900_000], rows_hot_updated=[0, 700_000])
        noted(place, "added", rows_changed=[0, 0], rows_inserted=[0, 2_000_000], autovacuums=[0, 1])
        result = place.run(TOOL, plan=True)["result"]
        (found,) = result["findings"]
        evidence, skipped = found["evidence"], {s["object"]: s["reason"] for s in result["skipped"]}
        equal((found["kind"], found["object"], evidence["fillfactor"]), ("few_hot_updates", 'public.Crowded "x" y', 90), "what wants room")
        equal((evidence["counted_by"], evidence["moved_share"] is None), ("history, at least", version < 16), f"how that is known: {found}")
        holds(version < 16 or evidence["moved_share"] > 0.9, f"where they went: {found}")
        holds(0.3 < evidence["hot_share"] < 0.4 and evidence["updates_per_hour"] > 1000, f"rates of days: {evidence}")
        contains(skipped["public.indexed"], "with a fillfactor of 85" if version < 16 else "they change a column that is indexed")
        place.psql("-c", found["fix"])
        equal(options(place, '"Crowded ""x"" y"'), ["fillfactor=90"], "as advised")
        again = place.run(TOOL, plan=True)["result"]
        equal(again.get("findings", []), [], "while it has to show its effect")
        place.psql("-c", evidence["undo"])
        equal(options(place, '"Crowded ""x"" y"'), [], "after the undo")


def a_tuning_is_judged_though_the_compute_slept_since(version):
    with Given(version, more=KEEPS) as place:
        busy(place, "t", changes=0, options="WITH (autovacuum_vacuum_threshold=9)")
        settings = {"old": {}, "new": {"autovacuum_vacuum_threshold": "9"}, "autovacuums": 9000, "vacuum_ms": -1}
        plant(place, "vacuum_history", [{"operation_id": "tune-1", "executed_at": midnight(-2, -1), "schema_name": "public",
                                         "table_name": "t", "operation_type": "tune_autovacuum", "reason": "r", "status": "success",
                                         "settings": json.dumps(settings)}])
        noted(place, "t", rows_changed=[0] * 3, rows_inserted=[0] * 3, autovacuums=[10, 1500, 900])
        calm = place.run(TOOL, most_runs_per_hour=1000, tables=["t"])["result"]
        equal((calm["tables_kept"], calm["tables_reverted"]), (1, 0), f"held against a thousand an hour: {calm}")
    with Given(version, more=KEEPS) as place:
        busy(place, "t", changes=0, options="WITH (autovacuum_vacuum_threshold=9)")
        plant(place, "vacuum_history", [{"operation_id": "tune-1", "executed_at": midnight(-2, -1), "schema_name": "public",
                                         "table_name": "t", "operation_type": "tune_autovacuum", "reason": "r", "status": "success",
                                         "settings": json.dumps(settings)}])
        noted(place, "t", rows_changed=[0] * 3, rows_inserted=[0] * 3, autovacuums=[10, 1500, 900])
        result = place.run(TOOL, tables=["t"])["result"]
        equal((result["tables_reverted"], options(place, "t")), (1, []), f"2400 in two or three days are more than 24 an hour: {result}")


def a_tuning_is_of_its_database(version):
    """Of two databases of a branch that have the same table: what one was tuned to is not taken back, nor kept, in the other."""
    with Branch(version, KEEPS) as branch, Given(version) as shop, Given(version) as books:
        for database in (shop, books):
            busy(database, "t", changes=0, options="WITH (autovacuum_vacuum_threshold=9)")
        settings = {"old": {}, "new": {"autovacuum_vacuum_threshold": "9"}, "autovacuums": 9000, "vacuum_ms": -1}
        plant(branch, "vacuum_history", [{"operation_id": "tune-1", "executed_at": midnight(-2, -1), "schema_name": "public",
                                          "database_name": shop.database, "table_name": "t", "operation_type": "tune_autovacuum",
                                          "reason": "r", "status": "success", "settings": json.dumps(settings)}])
        noted(branch, "t", rows_changed=[0] * 3, rows_inserted=[0] * 3, autovacuums=[10, 1500, 900])
        other = branch.look_at(books).run(TOOL, tables=["t"])["result"]
        equal((other["tables_reverted"], other["tables_kept"]), (0, 0), f"where it was not tuned: {other}")
        own = branch.look_at(shop).run(TOOL, tables=["t"])["result"]
        equal((own["tables_reverted"], options(shop, "t")), (1, []), f"where it was: {own}")
        rows = answer(branch, "SELECT database_name, status FROM vacuum_history WHERE operation_id = 'tune-1' ORDER BY executed_at")
        equal([(row["database_name"], row["status"]) for row in rows], [(shop.database, "success"), (shop.database, "reverted")], "its rows")


suite(*each_version(a_tuning_is_of_its_database, a_compute_that_sleeps_each_night_is_tuned_by_what_was_noted,
                    a_table_to_which_rows_are_only_added_is_frozen_in_small_parts, a_large_table_is_analyzed_in_time, room_is_advised_where_updates_find_none,
                    a_tuning_is_judged_though_the_compute_slept_since, tightens_what_comes_too_late, changes_nothing_twice, says_what_it_leaves_alone, settings_are_their_owners_whoever_may_vacuum,
                    what_made_it_worse_is_taken_back, what_helped_is_kept, what_somebody_else_has_set_is_theirs), at_once=2)
