"""Archival of rows of 100 bytes: how fast it goes when it is told to hurry, and what its normal mode leaves to pgbench.

  health_archival.py LBOPS PLUGINS URL     prints a JSON array of figures

LBOPS_BENCH_ROWS rows (500,000) in LBOPS_BENCH_RUNS runs (3); pgbench in LBOPS_BENCH_ROUNDS rounds (10) of four slices of LBOPS_BENCH_SECONDS (3)."""

# needs: lbops transport_local delta_local state_sqlite archive_cold_data_to_delta

import json
import os
import re
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import time

from bench_place import Place, figure

ROWS = int(os.environ.get("LBOPS_BENCH_ROWS", "500000"))
SECONDS = int(os.environ.get("LBOPS_BENCH_SECONDS", "3"))
ROUNDS = int(os.environ.get("LBOPS_BENCH_ROUNDS", "10"))
RUNS = int(os.environ.get("LBOPS_BENCH_RUNS", "3"))

TABLE = """
DROP TABLE IF EXISTS cold;
DROP SCHEMA IF EXISTS lbops_archive CASCADE;
CREATE TABLE cold (id bigint PRIMARY KEY, placed_at timestamptz NOT NULL DEFAULT now(), a int, b int, note text);
INSERT INTO cold SELECT n, now() - interval '1 year', n % 1000, n, md5(n::text) || left(md5(n::text), 12)
  FROM generate_series(1, {rows}) n;
VACUUM ANALYZE cold;
CHECKPOINT
"""
WISHES = {"tables": ["cold"], "max_rows": 100000000}


def processor_time():
    """Of children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def hurried(place):
    """Rows a second from the first look to the last deletion, and where the time of that run went."""
    best, steps = 0, ""
    for _ in range(RUNS):
        place.each(TABLE.format(rows=ROWS))
        ours = processor_time()
        document = place.run("archive_cold_data_to_delta", hurry=True, **WISHES)
        ours = processor_time() - ours
        told = document["result"]["archivals"][0]
        if told["status"] != "deleted" or place.sql("SELECT count(*) FROM cold") != "0":
            sys.exit(f"not all has left: {told}")
        rows = ROWS / document["duration_ms"] * 1000
        said = ", ".join(f"{step} {took:.2f} s" for step, took in told["seconds"].items())
        print(f"hurried: {rows:.0f} rows/s; {said}; {ours:.2f} s of our own processor time", file=sys.stderr)
        if rows > best:
            best, steps = rows, said
    return best, steps


def pgbench(place):
    said = subprocess.run(["pgbench", "-n", "-c", "4", "-T", str(SECONDS), place.url], stdout=subprocess.PIPE, text=True,
                          stderr=subprocess.DEVNULL, check=True).stdout
    return float(re.search(r"tps = ([0-9.]+)", said).group(1))


def a_round(place, run):
    """Alone, beside it, beside it, alone: what grows or fades in that time falls on both alike."""
    tps = {signal.SIGSTOP: 0, signal.SIGCONT: 0}
    for turn in (signal.SIGSTOP, signal.SIGCONT, signal.SIGCONT, signal.SIGSTOP):
        os.killpg(run.pid, turn)
        tps[turn] += pgbench(place) / 2
    os.killpg(run.pid, signal.SIGCONT)
    return tps[signal.SIGCONT], tps[signal.SIGSTOP]


def left_to_pgbench(place):
    """Its throughput beside an archival that is held still in turns and let go on, as a share, a round each; batches that
    moved meanwhile."""
    subprocess.run(["pgbench", "-i", "-q", "-s", "10", place.url], stderr=subprocess.DEVNULL, check=True)
    place.each(TABLE.format(rows=5000 * (2 * SECONDS * ROUNDS + 60)))
    rounds = []
    with place.start("archive_cold_data_to_delta", **WISHES) as run:
        while not place.lake_files() and run.poll() is None:  # from the first batch on
            time.sleep(0.1)
        before = len(place.lake_files())
        for number in range(ROUNDS):
            rounds.append(a_round(place, run))
            print("round {}: {:.0f} tps beside it, {:.0f} alone".format(number + 1, *rounds[-1]), file=sys.stderr)
        if run.poll() is not None:
            sys.exit(f"the archival ended before pgbench did: {run.stdout.read()[:2000]}")
        moved = len(place.lake_files()) - before
        os.killpg(run.pid, signal.SIGTERM)
    if not moved:
        sys.exit("the archival did nothing beside pgbench")
    return rounds, moved


def main():
    with tempfile.TemporaryDirectory(prefix="lbops-bench-") as folder:
        place = Place(folder, *sys.argv[1:])
        rows, steps = hurried(place)
        rounds, moved = left_to_pgbench(place)
    shares = sorted(beside / alone for beside, alone in rounds)
    share = statistics.median(shares)
    beside, alone = (statistics.mean(side) for side in zip(*rounds))
    print(json.dumps([
        figure("archival_hurried", round(rows), "rows/s", 100000, rows >= 100000,
               f"{ROWS} rows of 100 bytes, planned, copied, proven and deleted; the fastest of {RUNS} runs: {steps}"),
        figure("archival_leaves_pgbench", round(share, 3), "of its throughput", 0.9, share >= 0.9,
               f"the median of {ROUNDS} rounds alone, beside, beside, alone, of {SECONDS} s each; half of them lie between "
               f"{shares[ROUNDS // 4]:.3f} and {shares[-1 - ROUNDS // 4]:.3f}; {beside:.0f} tps beside it and {alone:.0f} without, "
               f"4 clients; {moved} batches moved meanwhile")]))


main()
