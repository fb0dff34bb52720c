"""Every kind of incident under the daemon at two-second intervals, on servers that people work on, as a table: what was
planted, after how many looks it was seen, what was taken for its cause, what was done, and when it was over. How soon all of
that has to be is for scripts/bench health."""

import concurrent.futures

from incident_kinds import HEALED, SESSIONS, TABLES, WAL
from incident_place import Ward
from incident_watch import row_of, table
from place import VERSIONS, equal, holds, suite

GROUPS = [SESSIONS, TABLES[:3], TABLES[3:], WAL]  # each on a server of its own, one after the other


def lived(kinds):
    with Ward(VERSIONS[-1]) as ward:
        return [row_of(ward, kind) for kind in kinds]


def of_each_kind():
    with concurrent.futures.ThreadPoolExecutor(len(GROUPS)) as pool:
        rows = [row for group in pool.map(lived, GROUPS) for row in group]
    print(table(rows), flush=True)
    by_kind = {row["kind"]: row for row in rows}
    equal([kind for kind, row in by_kind.items() if row["detected"] is None], [], "nobody noticed")
    wrong = [f"{kind}: {row['cause']}" for kind, row in by_kind.items() if not row["is_first"]]
    holds(len(rows) >= 14 and len(wrong) <= 2, f"another cause was named first: {wrong}")
    equal([kind.__name__ for kind in HEALED if by_kind[kind.__name__]["healed"] is None], [], "low risks that nobody healed")
    equal([kind for kind, row in by_kind.items() if row["resolved"] is None], [], "not over")
    equal([by_kind[kind]["healed"] for kind in ("lock_chain", "idle_in_transaction")], [None, None], "these are for a person")
    holds(by_kind["dead_tuples"]["late"] and by_kind["lock_chain"]["late"], "people are told")


suite(of_each_kind)
