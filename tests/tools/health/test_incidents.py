"""Incidents, planted one after the other on real servers: is the true cause named first, and is a healthy server left in
peace? Prints a table: what was planted, what was found, and at which rank."""

import time

from health_place import on_each
from incident_kinds import FLUSH, LIMITS, SESSIONS, TABLES, WAL
from incident_place import Bed, Ward
from place import equal, holds, suite

TOOL = "diagnose_root_cause"


def shown(document):
    return [(c["rank"], c["kind"], c["object"], round(c["confidence"], 2)) for c in document["result"].get("causes", [])]


def incident(ward, kind):
    """The line of the table: kind, first cause, rank of the true one, time of the diagnosis, and what would be done."""
    with Bed(ward) as bed:
        bed.limits = {}
        story = kind(bed)
        next(story)
        limits = {**LIMITS, **bed.limits}
        bed.write(f"[agents.health]\n[agents.health.tool.diagnose_root_cause]\nparams = {{ "
                  + ", ".join(f"{k} = {v}" for k, v in limits.items()) + " }\n")
        calm = bed.run(TOOL, give_reading=True)
        equal(shown(calm), [], f"before {kind.__name__}")
        thing = next(story)
        began = time.monotonic()
        found = bed.run(TOOL)["result"]
        seconds = time.monotonic() - began
        healing = bed.run("self_heal", plan=True, before=calm["result"]["reading"], min_confidence=0.5, others_min=0)["result"]
        next(story, None)
        causes = found.get("causes", [])
        rank = next((c["rank"] for c in causes if (c["kind"], c["object"]) == (kind.__name__, thing)), None)
        first = causes[0] if causes else {"kind": "none", "object": "", "confidence": 0, "explains": []}
        action = "; ".join(f"{r['action']} ({r['risk']}, {r['status']})" for r in healing.get("remedies", []))
        return kind.__name__, first, rank, seconds, action


def left_in_peace(bed):
    """Runs of a server that works, with the limits of the incidents."""
    bed.sql("CREATE TABLE shop (id int PRIMARY KEY, n int); INSERT INTO shop SELECT g, 0 FROM generate_series(1, 20000) g")
    bed.sql("VACUUM ANALYZE shop")
    first = bed.run(TOOL, **LIMITS)
    for _ in range(3):
        bed.sql("CHECKPOINT;" * 10)  # by hand, which the server counts with those that WAL forces
        bed.sql("UPDATE shop SET n = n + 1 WHERE id <= 300; SELECT count(n) FROM shop WHERE id = 7" + FLUSH)
        found = bed.run(TOOL, **LIMITS)
        equal((shown(found), found["changes"]), ([], []), "a control run")
    holds(found["result"]["verdict"].startswith("no cause found: 17 kinds"), found["result"]["verdict"])
    equal(first["result"]["examined"]["kinds of causes"], 12, "what one reading shows")
    holds(any("first reading" in s["reason"] for s in first["result"]["skipped"]), str(first["result"]))


def planted(version, kinds):
    with Ward(version) as ward:
        if kinds is TABLES:
            with Bed(ward) as bed:
                left_in_peace(bed)
        lines = [incident(ward, kind) for kind in kinds]
    table = "\n".join(f"  {version}  {kind:20} {c['kind']:20} {c['object']:24} {c['confidence']:.2f}  rank {rank}  "
                      f"{s:.2f} s  {action}" for kind, c, rank, s, action in lines)
    print(f"  planted, found first, object, confidence, rank of the true cause, time of the diagnosis, action\n{table}", flush=True)
    equal([kind for kind, *_, action in lines if not action], [], "no action")
    equal([kind for kind, _, rank, _, _ in lines if rank != 1], [], "not named first")


def incidents_of_sessions(version):
    planted(version, SESSIONS)


def incidents_of_tables(version):
    planted(version, TABLES)


def incidents_of_wal_and_replication(version):
    planted(version, WAL)


suite(*on_each(incidents_of_sessions, incidents_of_tables, incidents_of_wal_and_replication), at_once=4)
