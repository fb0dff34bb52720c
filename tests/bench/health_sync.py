"""The comparison of a table with its copy, by the same digest run bare on both engines: of two that are equal, of two in which
ten rows differ, and of what has moved since.

  health_sync.py LBOPS PLUGINS URL     prints a JSON array of figures

LBOPS_BENCH_SYNC_ROWS rows (10,000,000: about 1.5 GB in the server, 2 GB of WAL on the way, and 0.7 GB in the lakehouse)."""

# needs: lbops transport_local delta_local state_sqlite validate_sync_integrity lake_door

import json
import os
import sys
import tempfile
import time

from bench_place import Place, figure
from duck import Duck

ROWS = int(os.environ.get("LBOPS_BENCH_SYNC_ROWS", "10000000"))
RUNS = int(os.environ.get("LBOPS_BENCH_SYNC_RUNS", "3"))
AT_ONCE = 1000000  # rows of one append
DIFFER = 10

COLUMNS = {"id": "bigint", "updated_at": "timestamp with time zone", "a": "integer", "amount": "numeric(12,2)", "note": "text"}
TABLE = f"""
DROP TABLE IF EXISTS copied CASCADE;
CREATE UNLOGGED TABLE copied (id bigint, updated_at timestamptz NOT NULL, a int, amount numeric(12,2), note text);
INSERT INTO copied SELECT n, '2026-01-01'::timestamptz + n * interval '1 second', n % 1000, n / 7.0, md5(n::text) || left(md5(n::text), 12)
  FROM generate_series(1, {ROWS}) n;
ALTER TABLE copied ADD PRIMARY KEY (id);
CREATE INDEX ON copied (updated_at);
VACUUM ANALYZE copied;
CHECKPOINT
"""
# The digest of the comparison, of the same texts, in each engine's own words and for nothing but one sum.
CELLS = "concat(" + ", ".join(f"CASE WHEN {c} IS NULL THEN '~' ELSE concat(bit_length({c}), ':', {c}) END" for c in "iuamn") + ")"
BARE_SERVER = f"""
SELECT count(*), sum(CAST(CAST(CAST('x' || substr(md5({CELLS}), 1, 15) AS bit(60)) AS bigint) AS numeric))
  FROM (SELECT id::text AS i, CAST(CAST(extract(epoch FROM updated_at) * 1000000 AS bigint) AS text) AS u, a::text AS a,
               trim_scale(amount)::text AS m, note AS n FROM copied) f"""
BARE_LAKE = f"""
SELECT count(*), sum(CAST(CAST('0x' || substr(md5({CELLS}), 1, 15) AS UBIGINT) AS HUGEINT))
  FROM (SELECT id::VARCHAR AS i, epoch_us(updated_at)::VARCHAR AS u, a::VARCHAR AS a, rtrim(rtrim(amount::VARCHAR, '0'), '.') AS m,
               note AS n FROM read_parquet({{files}})) f"""


class Tables(Place):
    """The table, its copy, and an engine of our own over the copy's files."""

    def __init__(self, folder, program, plugins, url):
        super().__init__(folder, program, plugins, url, "statement_timeout_ms = 3600000",
                         '[services.delta]\nplugin = "delta_local"\nmemory_mb = 1024')
        self.duck = Duck(plugins)
        self.duck.ask("SET threads = 2")

    def copy(self, first, key):
        for begin in range(first, ROWS + 1, AT_ONCE):
            self.sql(f"CREATE OR REPLACE VIEW slice AS SELECT * FROM copied WHERE id BETWEEN {begin} AND {begin + AT_ONCE - 1}")
            self.run("lake_door", source="slice", catalog="main", schema="public", name="copied", key=f"{key}-{begin}",
                     first=begin, columns=list(COLUMNS), types=list(COLUMNS.values()))

    def compare(self, **params):
        begun = time.monotonic()
        result = self.run("validate_sync_integrity", source_table="copied", target_delta_table="main.public.copied",
                          **params)["result"]
        took = time.monotonic() - begun
        return took, result["integrity"][0]["detail"]

    def bare(self):
        files = json.dumps(self.lake_files("main", "public", "copied")).replace('"', "'")
        begun = time.monotonic()
        self.sql(BARE_SERVER)
        server = time.monotonic()
        self.duck.ask(BARE_LAKE.format(files=files))
        return server - begun, time.monotonic() - server


def main():
    with tempfile.TemporaryDirectory(prefix="lbops-bench-") as folder:
        place = Tables(folder, *sys.argv[1:])
        place.each(TABLE)
        place.copy(1, "all")
        bare = equal = apart = moved = 1e9
        for run in range(RUNS):  # in turns, so that what else goes on in the machine meets all of them
            server, lake = place.bare()
            bare = min(bare, server + lake)
            took, detail = place.compare(scope="full")
            if (detail["parts_differ"], detail["rows_compared"]) != (0, ROWS):
                sys.exit(f"the tables are not equal: {detail}")
            equal = min(equal, took)
            moved = min(moved, place.compare()[0])
            print(f"run {run + 1}: bare {server:.1f} + {lake:.1f} s, equal {took:.1f} s", file=sys.stderr, flush=True)
            place.sql(f"UPDATE copied SET note = note || '.' WHERE id % {ROWS // DIFFER} = 7")
            took, detail = place.compare(scope="full")
            if (detail["different"], len(detail["different_keys"]), set(detail["different_columns"])) != (DIFFER, DIFFER, {"note"}):
                sys.exit(f"not the rows that differ: {detail}")
            apart = min(apart, took)
            place.sql(f"UPDATE copied SET note = left(note, 44) WHERE id % {ROWS // DIFFER} = 7")
            print(f"run {run + 1}: bare {server:.1f} + {lake:.1f} s; best so far: equal {equal:.1f}, ten differ {apart:.1f}, "
                  f"moved {moved:.2f} s", file=sys.stderr, flush=True)
    what = f"{ROWS} rows, the fastest of {RUNS} in turns; bare on both engines {bare:.1f} s"
    print(json.dumps([
        figure("sync_equal", round(equal / bare, 3), "of the bare digest", 1.3, equal / bare <= 1.3,
               f"{what}, compared {equal:.1f} s"),
        figure("sync_ten_differ", round(apart / bare, 3), "of the bare digest", 2.6, apart / bare <= 2.6,
               f"{what}, found in {apart:.1f} s: at most twice 1.3"),
        figure("sync_nothing_moved", round(moved / bare, 3), "of the bare digest", 0.1, moved / bare <= 0.1,
               f"{what}, what has moved since {moved:.2f} s")]))


main()
