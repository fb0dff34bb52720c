"""auto_tune_resource_parameters on real servers: a plan with reasons, set once a person agrees, and taken back."""

from place import Given, contains, each_version, equal, holds, suite

TOOL = "auto_tune_resource_parameters"


def settings(place):
    found = place.sql("SELECT unnest(setconfig) FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase"
                      " WHERE d.datname = current_database() AND s.setrole = 0")
    return dict(line.split("=", 1) for line in found.splitlines())


def asks_for_each_setting_and_sets_it(version):
    with Given(version) as place:
        place.sql(f"ALTER DATABASE {place.database} SET maintenance_work_mem = '20MB'")
        planned = place.run(TOOL, plan=True, min_hours=0, memory_mb=16_000)
        equal(settings(place), {"maintenance_work_mem": "20MB"}, "a plan changes nothing")
        document = place.run(TOOL, check=3, min_hours=0, memory_mb=16_000)
        wanted = {r["setting"]: r for r in document["result"]["recommendations"]}
        equal(wanted["maintenance_work_mem"]["wanted"], "1000MB", "a sixteenth")
        equal(wanted["effective_cache_size"]["wanted"], "12000MB", "three quarters")
        equal(wanted["idle_in_transaction_session_timeout"]["wanted"], "60s", "idle")
        holds(all(r["reason"] and r["status"] == "waiting" for r in wanted.values()), wanted)
        equal(len(planned["changes"]), len(document["changes"]), "plan and run")
        request = next(a for a in place.approvals() if "maintenance_work_mem" in str(a["plan"]))
        place.approve(request["id"])
        equal(settings(place), {"maintenance_work_mem": "1000MB"}, "what was approved")
        equal(place.sql("SHOW maintenance_work_mem"), "1000MB", "a new session")
        again = place.run(TOOL, plan=True, min_hours=0, memory_mb=16_000)["result"]["recommendations"]
        equal([r for r in again if r["setting"] == "maintenance_work_mem"], [], "it is fine now")
        undo = [r["undo"] for r in place.waiting("audit_log") if "maintenance_work_mem" in r["statement"]][0]
        place.sql(undo)
        equal(settings(place), {"maintenance_work_mem": "20MB"}, "after the undo")


def says_what_it_cannot_know(version):
    with Given(version) as place:
        result = place.run(TOOL, min_hours=10_000)["result"]
        contains(str(result["skipped"]), "the counters cover")
        equal(result.get("recommendations", []), [], "too early")
        result = place.run(TOOL, plan=True, min_hours=0)["result"]
        contains(str(result["skipped"]), "memory of the compute is not known")
        holds("effective_cache_size" not in [r["setting"] for r in result["recommendations"]], result)
        place.run(TOOL, check=2, workload_profile="holiday")


def a_role_without_rights_gets_advice(version):
    with Given(version) as place:
        role = place.database + "_r"
        place.sql(f"CREATE ROLE {role} LOGIN")
        try:
            url = place.url().replace("postgres@", f"{role}@")
            done = place.cli("--json", "run", TOOL, "--dsn", url, "--min_hours", "0", check=0)
            contains(done.stdout, '"status":"advice"', "not ours to set")
            own = place.run(TOOL, plan=True, min_hours=0, role=role)
            contains(str(own["changes"]), f"ALTER ROLE {role} IN DATABASE {place.database} SET")
        finally:
            place.sql(f"DROP ROLE {role}")


suite(*each_version(asks_for_each_setting_and_sets_it, says_what_it_cannot_know, a_role_without_rights_gets_advice),
      at_once=3)
