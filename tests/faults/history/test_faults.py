"""The history dies, or its disk is full, at each of its calls that change something. After each: every record that was
acknowledged is there exactly once.

usage: test_faults.py HISTORY_TOOL PRELOADED_LIBRARY kill|full
"""
import os
import subprocess
import shutil
import sys
import tempfile

PARAMETERS = ["checkpoint_commits=2", "compact_files=2", "vacuum_grace_hours=0", "log_days=0", "threads=1"]
MOST_ROUNDS = 400


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


def main():
    program, library, mode = sys.argv[1:]
    failed = disturbed = 0
    with tempfile.TemporaryDirectory() as root, tempfile.TemporaryDirectory() as plain:
        library = shutil.copy(library, plain)  # LD_PRELOAD is a list with blanks between, and this tree's path may have one
        book = Book(program, root)
        must(program, root, ["maintain 0", *book.put()])
        calls = count_calls(book, library)
        failed += book.check_and_put("undisturbed")
        # What a round has to do differs from one to the next; a good many more than one has made are tried.
        for at in range(1, min(calls * 5 // 4, MOST_ROUNDS) + 1):
            done = run(program, root, WORK, LD_PRELOAD=library,
                       **{"LBOPS_KILL_AT" if mode == "kill" else "LBOPS_FULL_AT": at})
            disturbed += done.returncode != 0
            if mode == "full" and done.returncode not in (0, 1):
                print(f"FAILED full at {at}: ended with {done.returncode}: {done.stderr[-400:]}")
                failed += 1
            failed += book.check_and_put(f"{mode} at {at}")
        print(f"{mode}: {calls} changing calls in a round, {disturbed} rounds disturbed, {book.metrics + book.audits} records, "
              f"{failed} failed")
        # As the disturbed rounds are the point, hardly any would be a test of nothing.
        if disturbed < 30:
            print("FAILED: fewer than 30 rounds were disturbed")
            failed += 1
    return 1 if failed else 0


sys.exit(main())
