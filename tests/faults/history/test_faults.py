"""The history dies, or its disk is full, at each of its calls that change something. After each: every record that was
acknowledged is there exactly once.

usage: test_faults.py HISTORY_TOOL PRELOADED_LIBRARY kill|full
"""
import concurrent.futures
import os
import shutil
import subprocess
import sys
import tempfile

PARAMETERS = ["checkpoint_commits=2", "compact_files=2", "vacuum_grace_hours=0", "log_days=0", "threads=1"]
MOST_ROUNDS = 400
HALVES = 2


def run(program, root, lines, **settings):
    environment = {**os.environ, **{key: str(value) for key, value in settings.items()}}
    return subprocess.run([program, root, *PARAMETERS], input="".join(line + "\n" for line in lines), text=True,
                          capture_output=True, env=environment, check=False)


def must(program, root, lines):
    done = run(program, root, lines)
    if done.returncode != 0:
        raise RuntimeError(f"{lines}: {done.returncode}: {done.stderr}")
    return done.stdout.splitlines()


class Book:
    """What has been put into the outbox since the beginning."""

    def __init__(self, program, root):
        self.program, self.root = program, root
        self.value = self.metrics = self.audits = self.total = 0

    def put(self):
        """The lines that put more into it."""
        lines = []
        for day in (0, 0, 1):
            lines.append(f"metrics 3 {self.value} {day}")
            self.total += 3 * self.value + 3
            self.value += 3
            self.metrics += 3
        self.audits += 1
        return [*lines, "audit 1"]

    def check_and_put(self, what):
        want = [f"{self.metrics}|{self.metrics}|{self.total};", f"{self.audits};"]
        lines = ["flush", "ask SELECT count(*), count(DISTINCT metric_value), CAST(sum(metric_value) AS BIGINT) "
                 "FROM lakebase_metrics", "ask SELECT count(*) FROM audit_log", "left"]
        flushed, metrics, audits, left = must(self.program, self.root, lines + self.put())[:4]
        if [metrics, audits] != want or left != "0":
            print(f"FAILED {what}: got {metrics} {audits}, want {want}, left in the outbox: {left} ({flushed})")
            return 1
        return 0


WORK = ["flush", "maintain 3 lakebase_metrics"]


def count_calls(book, library):
    """How many calls one round makes, when nothing disturbs it."""
    path = f"{book.root}/calls"
    done = run(book.program, book.root, WORK, LD_PRELOAD=library, LBOPS_CALLS=path)
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    with open(path, encoding="ascii") as file:
        return int(file.read())


class Half:
    """Every second of the moments, in a place of its own: two of them at once take half the time."""

    def __init__(self, program, library, mode, first):
        self.program, self.library, self.mode, self.first = program, library, mode, first
        self.failed = self.disturbed = self.records = self.calls = 0

    def disturb(self, book, at):
        done = run(self.program, book.root, WORK, LD_PRELOAD=self.library,
                   **{"LBOPS_KILL_AT" if self.mode == "kill" else "LBOPS_FULL_AT": at})
        self.disturbed += done.returncode != 0
        if self.mode == "full" and done.returncode not in (0, 1):
            print(f"FAILED full at {at}: ended with {done.returncode}: {done.stderr[-400:]}")
            self.failed += 1
        self.failed += book.check_and_put(f"{self.mode} at {at}")

    def work(self):
        with tempfile.TemporaryDirectory() as root:
            book = Book(self.program, root)
            must(self.program, root, ["maintain 0", *book.put()])
            self.calls = count_calls(book, self.library)
            self.failed += book.check_and_put("undisturbed")
            # What a round has to do differs from one to the next; a good many more than one has made are tried.
            for at in range(self.first, min(self.calls * 5 // 4, MOST_ROUNDS) + 1, HALVES):
                self.disturb(book, at)
            self.records = book.metrics + book.audits


def main():
    program, library, mode = sys.argv[1:]
    with tempfile.TemporaryDirectory() as plain:
        library = shutil.copy(library, plain)  # LD_PRELOAD is a list with blanks between, and this tree's path may have one
        halves = [Half(program, library, mode, first) for first in range(1, HALVES + 1)]
        with concurrent.futures.ThreadPoolExecutor(HALVES) as pool:
            for done in [pool.submit(half.work) for half in halves]:
                done.result()
    failed, disturbed = sum(half.failed for half in halves), sum(half.disturbed for half in halves)
    print(f"{mode}: {halves[0].calls} changing calls in a round, {disturbed} rounds disturbed, "
          f"{sum(half.records for half in halves)} records, {failed} failed")
    # As the disturbed rounds are the point, hardly any would be a test of nothing.
    if disturbed < 30:
        print("FAILED: fewer than 30 rounds were disturbed")
        failed += 1
    return 1 if failed else 0


sys.exit(main())
