"""Archival of rows of 100 bytes: how fast it goes when it is told to hurry, and what its normal mode leaves to pgbench.

  health_archival.py LBOPS PLUGINS URL     prints a JSON array of figures"""

# needs: lbops transport_local delta_local state_sqlite archive_cold_data_to_delta

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROWS = int(os.environ.get("LBOPS_BENCH_ROWS", "500000"))
SECONDS = int(os.environ.get("LBOPS_BENCH_SECONDS", "15"))
RUNS = 3

TABLE = """
DROP TABLE IF EXISTS cold;
DROP SCHEMA IF EXISTS lbops_archive CASCADE;
CREATE TABLE cold (id bigint PRIMARY KEY, placed_at timestamptz NOT NULL DEFAULT now(), a int, b int, note text);
INSERT INTO cold SELECT n, now() - interval '1 year', n % 1000, n, md5(n::text) || left(md5(n::text), 12)
  FROM generate_series(1, {rows}) n;
VACUUM ANALYZE cold;
CHECKPOINT
"""


class Place:
    """A throwaway branch, which asks nobody."""

    def __init__(self, folder, program, plugins, url):
        self.program, self.url, self.manifest = program, url, pathlib.Path(folder) / "lbops.toml"
        self.manifest.write_text(f"""
[workspace]
name = "bench"
state_dir = "{folder}/state"
plugins = ["{plugins}"]
[services.transport]
plugin = "transport_local"
dsn = {{ secret = "server" }}
[secrets]
server = {{ env = "LBOPS_BENCH_URL" }}
[[targets]]
project = "bench"
branch = "postgres"
class = "throwaway"
""")

    def plant(self, rows):
        for statement in TABLE.format(rows=rows).split(";"):
            subprocess.run(["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", self.url, "-c", statement], check=True)

    def start(self, *more):
        return subprocess.Popen([self.program, "-m", str(self.manifest), "--json", "run", "archive_cold_data_to_delta", "--branch",
                                 "postgres", "--tables", '["cold"]', "--max_rows", "100000000", *more], stdout=subprocess.PIPE,
                                text=True, env={**os.environ, "LBOPS_BENCH_URL": self.url})

    def pgbench(self):
        said = subprocess.run(["pgbench", "-n", "-c", "4", "-T", str(SECONDS), self.url], stdout=subprocess.PIPE, text=True,
                              stderr=subprocess.DEVNULL, check=True).stdout
        return float(re.search(r"tps = ([0-9.]+)", said).group(1))


def hurried(place):
    """Rows a second from the first look to the last deletion."""
    best = 0
    for _ in range(RUNS):
        place.plant(ROWS)
        with place.start("--hurry", "true") as run:
            document = json.loads(run.stdout.read())
        if document["status"] != "ok" or document["result"]["archivals"][0]["status"] != "deleted":
            sys.exit(f"the archival failed: {document['error']}")
        best = max(best, ROWS / document["duration_ms"] * 1000)
    return best


def left_to_pgbench(place):
    """Its throughput beside an archival that goes on for as long as it does, by what it is before and after that."""
    subprocess.run(["pgbench", "-i", "-q", "-s", "10", place.url], stderr=subprocess.DEVNULL, check=True)
    place.plant(25000 * (SECONDS + 10))
    before = place.pgbench()
    with place.start() as run:
        beside = place.pgbench()
        if run.poll() is not None:
            sys.exit(f"the archival ended before pgbench did: {run.stdout.read()[:2000]}")
        run.terminate()
    return beside, (before + place.pgbench()) / 2


def main():
    program, plugins, url = sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix="lbops-bench-") as folder:
        place = Place(folder, program, plugins, url)
        rows = hurried(place)
        beside, alone = left_to_pgbench(place)
    print(json.dumps([
        {"name": "archival_hurried", "value": round(rows), "unit": "rows/s", "target": 100000, "ok": rows >= 100000,
         "against": f"{ROWS} rows of 100 bytes, planned, copied, proven and deleted; the fastest of {RUNS} runs"},
        {"name": "archival_leaves_pgbench", "value": round(beside / alone, 3), "unit": "of its throughput", "target": 0.9,
         "ok": beside / alone >= 0.9, "against": f"{beside:.0f} tps beside it, {alone:.0f} before and after it, 4 clients"}]))


main()
