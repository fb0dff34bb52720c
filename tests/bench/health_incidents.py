"""Incidents on a real server that people work on, under the daemon at two-second intervals: after how many looks each is
noticed, what is taken for its cause, what is done, and when that is over; beside them a server that nothing is wrong with.

  health_incidents.py LBOPS PLUGINS URL     prints a JSON array of figures, and the table on stderr"""

# needs: lbops transport_local delta_local state_sqlite alert_webhook evaluate_alert_thresholds execute_low_risk_sop
# needs: terminate_idle_connections diagnose_root_cause self_heal escalate_high_risk_issue

import concurrent.futures
import json
import os
import sys
import threading

from bench_place import figure

os.environ["LBOPS_PROGRAM"], os.environ["LBOPS_PLUGINS"] = sys.argv[1:3]
import incident_watch  # noqa: E402
from incident_kinds import HEALED, SESSIONS, TABLES, WAL  # noqa: E402
from incident_place import Ward  # noqa: E402
from ward import harness  # noqa: E402

KINDS = SESSIONS + TABLES + WAL
WITHIN = 2  # intervals
TOLD_WITHIN_S = 2.0


def one(ward, kind):
    row = incident_watch.row_of(ward, kind)
    print(incident_watch.table([row]).splitlines()[1], file=sys.stderr, flush=True)
    return row


def all_of_them(version):
    """The rows, and how often the daemon over the healthy server looked meanwhile and what it said or did."""
    over = threading.Event()
    with Ward(version) as ill, Ward(version) as well, concurrent.futures.ThreadPoolExecutor(1) as pool:
        peace = pool.submit(incident_watch.left_in_peace, well, over.is_set)
        print(incident_watch.table([]), file=sys.stderr)
        try:
            rows = [one(ill, kind) for kind in KINDS]
        finally:
            over.set()
        return rows, *peace.result()


def is_soon(intervals):
    return intervals is not None and intervals <= WITHIN


def main():
    figures, sys.stdout = sys.stdout, sys.stderr  # what the suites' own parts say at their end is none
    version = int(harness("pg_versions | tail -n 1"))
    rows, looks, unwanted = all_of_them(version)
    seen = sum(is_soon(r["detected"]) for r in rows)
    first = sum(r["is_first"] for r in rows)
    low = [r for r in rows if r["kind"] in {k.__name__ for k in HEALED}]
    healed = sum(is_soon(r["healed"]) for r in low)
    late = [s for r in rows for s in r["late"]]
    of = f"of {len(rows)} incidents"
    print(json.dumps([
        figure("incidents_seen_in_time", seen, of, len(rows), seen == len(rows),
               f"noticed within {WITHIN} looks of {incident_watch.INTERVAL} s; under load, PostgreSQL {version}"),
        figure("true_cause_first", first, of, len(rows) - 2, first >= len(rows) - 2, "what was said or treated before all else"),
        figure("low_risks_healed", healed, f"of {len(low)}", len(low), healed == len(low),
               f"{', '.join(r['kind'] for r in low)}: within {WITHIN} looks of being noticed"),
        figure("controls_treated", len(unwanted), "troubles said or treated", 0, not unwanted and looks > 0,
               f"a healthy server under the same load, for as long as all of these took: {looks} looks"),
        figure("alert_delivered", round(max(late, default=-1), 3), "s", TOLD_WITHIN_S,
               bool(late) and max(late) <= TOLD_WITHIN_S, f"the slowest of {len(late)}, from its event to its receiver"),
        *(figure(f"incident_{r['kind']}", r["detected"], "looks until it was noticed", WITHIN, is_soon(r["detected"]),
                 f"first cause: {r['cause']}; {r['action']}; healed after {r['healed'] or '-'}, over after {r['resolved'] or '-'} looks")
          for r in rows)]), file=figures)


main()
