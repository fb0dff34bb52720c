"""tune_autovacuum_parameters on real servers: storage parameters change, old ones are kept, and the undo undoes."""

import json

from place import Given, contains, each_version, equal, suite

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


suite(*each_version(tightens_what_comes_too_late, changes_nothing_twice, says_what_it_leaves_alone), at_once=3)
