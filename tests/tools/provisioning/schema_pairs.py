"""Pairs of schemas, read from schema_pairs/*.sql: what stands before and after, the rows in between and what must be
kept of them. All pairs of a file live in one pair of databases, each in a schema named after it."""

import contextlib
import os
import pathlib
import re

from place import target

FOLDER = pathlib.Path(__file__).resolve().parent / "schema_pairs"
PARTS = ("from", "to", "data", "keeps")
SPACE = "the_space_of_the_pairs"  # in the texts; a server has one name for all of its databases, so each process its own
OWN_SPACE = f"lbops_space_{os.getpid()}"


class Pair:
    def __init__(self, text):
        name, body = text.split("\n", 1)
        self.name = name.strip()
        parts = re.split(r"^--- (\w+)\n", "--- from\n" + body, flags=re.M)[1:]
        texts = dict(zip(parts[::2], parts[1::2]))
        assert set(texts) <= set(PARTS), (self.name, sorted(texts))
        self.before, self.after = texts["from"], texts["to"]
        self.data, self.keeps = texts.get("data", ""), texts.get("keeps", "").strip()

    def within(self, sql):
        return f'SET search_path TO "{self.name}", public;\n{sql}'.replace(SPACE, OWN_SPACE)


def files():
    return sorted(path.stem for path in FOLDER.glob("*.sql"))


def pairs(name):
    return [Pair(text) for text in re.split(r"^=== ", (FOLDER / f"{name}.sql").read_text(), flags=re.M)[1:]]


def apply(place, database, text):
    """Runs a script; of a failure the end is enough."""
    try:
        return place.sql(text, branch=database)
    except AssertionError as error:
        raise AssertionError(f"in {database}: ...{str(error)[-500:]}") from None


def build(place, database, every, side):
    """A database with one side of each pair."""
    place.at_server(f"CREATE DATABASE {database}")
    place.targets += target("shop", database, "shared")
    place.write()
    script = "SET client_min_messages TO warning;\n"
    for pair in every:
        script += f'CREATE SCHEMA "{pair.name}";\n' + pair.within(getattr(pair, side)) + "\n"
    for pair in every if side == "before" else []:
        script += pair.within(pair.data) + "\n"
    apply(place, database, script)


def kept(place, database, every):
    """What each pair wants kept, one behind the other."""
    wanted = [f"\\echo {pair.name}\n" + pair.within(pair.keeps + ";") for pair in every if pair.keeps]
    return apply(place, database, "\n".join(wanted))


@contextlib.contextmanager
def tablespace(place, every):
    """A tablespace inside of the server's own directory, where a pair wants one."""
    if not any(SPACE in pair.after for pair in every):
        yield
        return
    place.sql(f"SET allow_in_place_tablespaces = on; CREATE TABLESPACE {OWN_SPACE} LOCATION ''")
    try:
        yield
    finally:
        place.at_server(f"DROP TABLESPACE IF EXISTS {OWN_SPACE}")


@contextlib.contextmanager
def two_databases(place, name, every):
    start, end = (f"{place.database}_{name}_{side}" for side in ("a", "b"))
    with tablespace(place, every):
        try:
            build(place, start, every, "before")
            build(place, end, every, "after")
            yield start, end
        finally:
            for database in (start, end):
                place.at_server(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")


def diff(place, start, end, **params):
    return place.run("capture_schema_diff", branch=start, target_branch=end, **{"output": "all", **params})["result"]
