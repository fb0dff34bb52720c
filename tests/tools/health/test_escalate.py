"""escalate_high_risk_issue: a trouble is told once, again when it gets worse, and when it is over; a pause keeps quiet."""

import datetime

from health_place import Clinic, on_each
from place import equal, holds, suite
from planted import KEEPS, plant

TOOL = "escalate_high_risk_issue"
OFF = "WITH (autovacuum_enabled = off)"
SHORT_WAITS = ("[agents.health]\n[agents.health.tool.diagnose_root_cause]\n"
               "params = { min_wait_s = 0.05, min_dead_rows = 1000000 }\n")
FLUSH = "; SELECT pg_stat_force_next_flush()"


def states(document):
    return [(i["issue"], i["object"], i["severity"], i["state"]) for i in document["result"].get("issues", [])]


def told(document):
    return [(e["type"], e["payload"]["issue"], e["payload"]["object"]) for e in document["events"]
            if e["type"].startswith("issue.")]


def stale(place):
    place.sql(f'CREATE TABLE "Visits" (id int) {OFF}; INSERT INTO "Visits" SELECT generate_series(1, 20000)' + FLUSH)


def a_trouble_is_told_once(version):
    with Clinic(version) as place:
        calm = place.run(TOOL)
        equal((states(calm), told(calm), calm["records"]), ([], [], 0), "nothing to tell")
        stale(place)
        planned = place.run(TOOL, plan=True)
        equal(planned["events"], [], "a plan tells nobody")
        first = place.run(TOOL)
        issue = ("autovacuum_off", "public.Visits")
        equal(states(first), [(*issue, "warning", "fired")], "first")
        equal(told(first), [("issue.escalated", *issue)], "event")
        payload = first["events"][0]["payload"]
        equal(payload["command"], 'ALTER TABLE public."Visits" RESET (autovacuum_enabled)', "command")
        holds(payload["diagnosis"]["evidence"]["tables_to_analyze"] == 1 and payload["diagnosis"]["confirm"], str(payload))
        again = place.run(TOOL)
        equal((states(again)[0][3], told(again), again["records"]), ("known", [], 0), "again")
        worse = place.run(TOOL, severity="critical", done="looked at it")
        equal((states(worse)[0][2:], len(told(worse))), (("critical", "escalated"), 1), "worse")
        place.sql(payload["command"] + '; ANALYZE "Visits"')
        over = place.run(TOOL)
        equal((states(over), told(over), over["result"]["resolved"]), ([], [("issue.resolved", *issue)], 1), "over")
        equal((told(place.run(TOOL)), place.run(TOOL)["result"]["resolved"]), ([], 0), "told once that it is over")
        rows = place.history("SELECT state, severity, sop_action FROM alert_history h ORDER BY h.at")
        equal([tuple(r) for r in rows["rows"]], [("fired", "warning", None), ("escalated", "critical", "looked at it"),
                                                  ("resolved", "critical", None)], "history")


def what_comes_and_goes_stays_open_until_it_keeps_quiet(version):
    """Its second time within the hour says so, and then neither its ends nor its returns are told."""
    with Clinic(version) as place:
        seen = []
        for _ in range(4):
            stale(place)
            here = place.run(TOOL)
            place.sql('DROP TABLE "Visits"')
            gone = place.run(TOOL)
            seen.append((states(here)[0][3], len(here["events"]), gone["result"]["resolved"], gone["result"]["flapping"], len(gone["events"])))
            flaps = "it comes and goes" in here["result"]["issues"][0]["text"]
            equal(flaps, len(seen) > 1, f"what is said the {len(seen)}. time")
        equal(seen, [("fired", 1, 1, 0, 1), ("fired", 1, 0, 1, 0), ("flapping", 0, 0, 1, 0), ("flapping", 0, 0, 1, 0)], "each time")
        over = place.run(TOOL, flap_min=0)
        equal((told(over), over["result"]["resolved"]), ([("issue.resolved", "autovacuum_off", "public.Visits")], 1), "once it does no longer")


def two_that_say_at_once_that_it_began_count_as_one(version):
    """A daemon has several tools that tell: both saw nothing before them, and neither saw it come back."""
    with Clinic(version, more=KEEPS) as place:
        stale(place)
        first = place.run(TOOL)
        equal(states(first)[0][3], "fired", "first")
        [[key, at]] = place.history("SELECT h.alert_id, h.at FROM alert_history h")["rows"]
        beside = datetime.datetime.fromisoformat(str(at).replace("Z", "+00:00")) + datetime.timedelta(milliseconds=30)
        plant(place, "alert_history", [{"alert_id": key, "at": beside, "state": "fired", "severity": "warning",
                                        "rule": "autovacuum_off", "title": "it began", "object_name": "public.Visits",
                                        "source_tool": TOOL, "fired_at": beside}])
        equal(len(place.history("SELECT h.at FROM alert_history h WHERE state = 'fired'")["rows"]), 2, "said twice")
        place.sql('DROP TABLE "Visits"')
        over = place.run(TOOL)
        equal((told(over), over["result"]["flapping"]), ([("issue.resolved", "autovacuum_off", "public.Visits")], 0), "and it is over")


def chain(place):
    """Somebody who waits behind somebody: the latter."""
    place.write(SHORT_WAITS)
    place.sql("CREATE TABLE till (id int); INSERT INTO till VALUES (1); GRANT ALL ON till TO public")
    role = place.role("clerk")
    root, waiter = place.person(role), place.person(role)
    root.say("BEGIN; UPDATE till SET id = 2")
    waiter.start("UPDATE till SET id = 3")
    place.until("SELECT waitstart < clock_timestamp() - interval '0.1 s' FROM pg_locks"
                f" WHERE pid = {waiter.pid} AND NOT granted")
    return root


def state_of(place, kind, person):
    rows = place.history("SELECT alert_id, state FROM alert_history h ORDER BY h.at")["rows"]
    return [state for key, state in rows if key == f"{kind} of session {person.pid}"]


def what_nobody_looked_at_is_not_over(version):
    """A procedure that did not help tells of its own trouble alone, and a diagnosis without a reading ends none."""
    with Clinic(version) as place:
        root = chain(place)
        holds(("lock_chain", f"session {root.pid}", "fired") in [(i, o, s) for i, o, _, s in states(place.run(TOOL))], "told")
        place.sql("CREATE TABLE kept (id int) WITH (autovacuum_enabled = off); INSERT INTO kept SELECT generate_series(1, 1000);"
                  " ANALYZE kept")
        reader = place.person(place.role("reader"))
        reader.say("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1")
        place.sql("DELETE FROM kept WHERE id <= 900" + FLUSH)
        vain = place.run("execute_low_risk_sop", issue_type="dead_tuple_ratio", table="kept")
        equal((vain["result"]["verified"], vain["result"]["escalated"]), (False, True), "in vain")
        events = told(vain)
        holds(("issue.escalated", "dead_tuples", "public.kept") in events, str(events))
        equal(state_of(place, "lock_chain", root), ["fired"], "the chain stays open")
        place.run(TOOL, diagnosis={"verdict": "looked at one thing", "causes": []})
        unseen = [{"kind": kind, "why": "it could not be read"} for kind in ("lock_chain", "idle_in_transaction")]
        place.run(TOOL, diagnosis={"verdict": "blind", "causes": [], "reading": {}, "unseen": unseen})
        equal(state_of(place, "lock_chain", root), ["fired"], "and still")
        place.run(TOOL, diagnosis={"verdict": "nothing", "causes": [], "reading": {}})
        equal(state_of(place, "lock_chain", root), ["fired", "resolved"], "who has looked says that it is over")


def what_is_over_is_told_by_whoever_heals(version):
    """Nothing else asks for all that was told; and it tells nothing that it would not have told else."""
    with Clinic(version) as place:
        root = chain(place)
        asked = place.run("self_heal", cause="lock_chain", others_min=0, check=None)
        equal([r["status"] for r in asked["result"]["remedies"]], ["pending_approval"], "a person is asked")
        place.run(TOOL, issue="lock_chain")
        stale(place)
        place.run("self_heal", cause="lock_chain")
        equal(state_of(place, "lock_chain", root), ["fired"], "it is there")
        root.say("ROLLBACK")
        place.until("SELECT NOT EXISTS (SELECT FROM pg_locks k JOIN pg_stat_activity a USING (pid)"
                    f" WHERE NOT k.granted AND a.datname = '{place.database}')")
        over = place.run("self_heal", cause="lock_chain")
        equal(told(over), [("issue.resolved", "lock_chain", f"session {root.pid}")], "over")
        equal(state_of(place, "lock_chain", root), ["fired", "resolved"], "history")
        equal(told(place.run("self_heal", cause="lock_chain")), [], "once")


def a_diagnosis_is_taken(version):
    with Clinic(version) as place:
        stale(place)
        diagnosis = place.run("diagnose_root_cause")["result"]
        found = place.run(TOOL, diagnosis=diagnosis, issue="stale_statistics", object="public.Visits")
        equal(states(found), [("stale_statistics", "public.Visits", "warning", "fired")], "an effect, asked for by name")
        other = place.run(TOOL, diagnosis=diagnosis, issue="lock_chain")["result"]
        holds("does not show it" in other["skipped"][0]["reason"], str(other))
        place.run(TOOL, diagnosis={"rain": 1}, check=1)
        place.run(TOOL, severity="bad", check=2)


def a_pause_keeps_quiet(version):
    with Clinic(version) as place:
        stale(place)
        place.write('[[windows]]\nname = "works"\nkind = "pause"\nopens = "0 * * * *"\nlasts_min = 59\n'
                    '[[windows]]\nname = "works-too"\nkind = "pause"\nopens = "59 * * * *"\nlasts_min = 1\n')
        quiet = place.run(TOOL)
        equal((states(quiet)[0][3], told(quiet), quiet["result"]["paused_by"] is None), ("silenced", [], False), "paused")
        equal(states(place.run(TOOL))[0][3], "known", "silenced once")
        place.write("")
        equal(states(place.run(TOOL))[0][3], "fired", "after the pause")


suite(*on_each(a_trouble_is_told_once, what_comes_and_goes_stays_open_until_it_keeps_quiet,
               two_that_say_at_once_that_it_began_count_as_one,
               what_nobody_looked_at_is_not_over, what_is_over_is_told_by_whoever_heals, a_diagnosis_is_taken, a_pause_keeps_quiet))
