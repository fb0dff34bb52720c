"""capture_schema_diff leads from each schema of the corpus to its other half and back, and keeps the rows."""

import sys

import schema_pairs as corpus
from place import VERSIONS, Given, equal, holds, suite


# All others differ in something that is told by the name of their schema. Columns cannot be moved, so that their order is none.
UNTOLD = ("nothing_differs", "column_order")
NAMED_OTHERWISE = ("default_privileges", "default_privileges_and_a_new_table", "schemas_come", "several_schemas", "event_triggers",
                   "extensions")


def lead(place, start, end, what, **params):
    """Applies the SQL from start to end; then nothing differs."""
    found = corpus.diff(place, start, end, **params)
    holds(found["has_changes"], f"{what}: there are changes")
    corpus.apply(place, start, found["sql"])
    again = corpus.diff(place, start, end)
    equal(again["text"].splitlines()[1:], [], f"{what}: differences after its SQL")
    equal((again["has_changes"], again["sql"], again["statement_count"]), (False, "", 0), f"{what}: what is left to do")
    return found


def round_trip(version, names):
    every = [pair for name in names for pair in corpus.pairs(name)]
    what = names[0] if len(names) == 1 else "all"
    with Given(version) as place, corpus.two_databases(place, what, every) as (start, end):
        itself = corpus.diff(place, start, start)
        equal((itself["has_changes"], itself["sql"]), (False, ""), "a database compared with itself")
        before = corpus.kept(place, start, every)
        there = lead(place, start, end, f"{what} there")
        equal(corpus.kept(place, start, every), before, "rows in columns that stay")
        told = " ".join(change["object"] for change in there["changes"])
        untold = [pair.name for pair in every if f"{pair.name}." not in told and pair.name not in NAMED_OTHERWISE]
        holds(set(untold) <= set(UNTOLD), f"pairs that are not told of: {untold}")
        holds("parts_3_note_idx" not in there["sql"], "what goes with its partition is not moved before")
        told = {s["object"] for s in there["statements"] if s["object"]}
        holds(len(told) > len(every) / 2, "statements say what they are about")
        lead_back(place, start, every, what)


def lead_back(place, start, every, what):
    """The way back loses what the way there made, and arrives all the same."""
    origin = f"{place.database}_{what}_c"
    try:
        corpus.build(place, origin, every, "before")
        back = lead(place, start, origin, f"{what} back", online=True)
        words = [word for word in ("INDEX CONCURRENTLY", "NOT VALID", "VALIDATE CONSTRAINT") if word not in back["sql"]]
        holds(not words or what not in ("all", "constraints"), f"the way that nobody waits for has {words}")
    finally:
        place.at_server(f"DROP DATABASE IF EXISTS {origin} WITH (FORCE)")


SAME_NAMES = """same_names
CREATE TABLE parts (id int, note text) PARTITION BY LIST (id);
CREATE INDEX parts_plain ON parts (note);
CREATE INDEX parts_down ON parts (note DESC);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN (1);
--- to
CREATE TABLE parts (id int, note text) PARTITION BY LIST (id);
CREATE INDEX parts_plain ON parts (note);
CREATE INDEX parts_down ON parts (note DESC);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN (1);
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES IN (2);
ALTER INDEX parts_2_note_idx RENAME TO own_plain;
ALTER INDEX parts_2_note_idx1 RENAME TO own_down;
"""


def named_by_the_next(version):
    """Two indexes that the server would call the same: which one it calls how is not foretold, and none gets the other's name."""
    every = [corpus.Pair(SAME_NAMES)]
    with Given(version) as place, corpus.two_databases(place, "same", every) as (start, end):
        first = corpus.diff(place, start, end)
        holds("own_" not in first["sql"], f"no name is guessed: {first['sql']}")
        corpus.apply(place, start, first["sql"])
        second = corpus.diff(place, start, end)
        holds("own_plain" in second["sql"] and "own_down" in second["sql"], f"both are named then: {second['sql']}")
        corpus.apply(place, start, second["sql"])
        equal(corpus.diff(place, start, end)["has_changes"], False, "then nothing differs")


def tests():
    """All pairs at once; a file of them alone where it is named, to find out more."""
    every = corpus.files()
    for version in VERSIONS:
        for names in [every, *([name] for name in every)]:
            def bound(version=version, names=names):
                round_trip(version, names)
            bound.__name__ = f"{'corpus' if len(names) > 1 else names[0]}_there_and_back_on_{version}"
            if len(names) > 1 or bound.__name__ in sys.argv:
                yield bound

        def named(version=version):
            named_by_the_next(version)
        named.__name__ = f"what_the_server_may_call_otherwise_is_named_by_the_next_on_{version}"
        yield named


holds(sum(len(corpus.pairs(name)) for name in corpus.files()) >= 60, "pairs of the corpus")
suite(*tests())
