"""What the scheduled tools of the performance agent cost beside pgbench, at ten times their frequency: the execution time
of our statements on the server and the processor time of the whole daemon, as a share of what the workload executes.

  performance_beside.py LBOPS PLUGINS URL     prints a JSON array of figures

Each tool runs a few times while pgbench does; what a run costs, times how often it would run, is what is summed up. The
daemon has a role of its own, by which the server counts its statements."""

# needs: lbops transport_local delta_local approval_local state_sqlite persist_pg_stat_statements collect_pg_stat_statements_info
# needs: check_txid_wraparound_risk run_full_index_analysis identify_tables_needing_vacuum schedule_vacuum_analyze
# needs: tune_autovacuum_parameters forecast_capacity_needs watch_autovacuum

import collections
import contextlib
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time

TIMES, ROUNDS, CLIENTS = 10, 5, 8
MINUTE = 60
# As they are scheduled: those detectors that run_full_index_analysis is the sum of are switched off, as in etc/local.toml.
EVERY = {"persist_pg_stat_statements": 5 * MINUTE, "collect_pg_stat_statements_info": 5 * MINUTE,
         "check_txid_wraparound_risk": 5 * MINUTE, "watch_autovacuum": 10 * MINUTE,
         "run_full_index_analysis": 60 * MINUTE,
         "identify_tables_needing_vacuum": 24 * 60 * MINUTE, "schedule_vacuum_analyze": 24 * 60 * MINUTE,
         "tune_autovacuum_parameters": 24 * 60 * MINUTE, "forecast_capacity_needs": 7 * 24 * 60 * MINUTE}
MANIFEST = """
[workspace]
name = "bench"
state_dir = "{place}/state"
plugins = ["{plugins}"]
[services.transport]
plugin = "transport_local"
dsn = {{ secret = "server" }}
[services.delta]
plugin = "delta_local"
[secrets]
server = {{ env = "LBOPS_BENCH_URL" }}
[[targets]]
project = "bench"
branch = "postgres"
class = "production"
"""


def ask(url, text):
    done = subprocess.run(["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", url], input=text, text=True,
                          stdout=subprocess.PIPE, check=True)
    return done.stdout.strip()


def executed_ms(url, which):
    """What statements took on the server: "=" those of the daemon's role, "<>" the others."""
    return float(ask(url, "SELECT coalesce(sum(total_exec_time + total_plan_time), 0) FROM pg_stat_statements"
                          f" WHERE userid {which} 'lbops_bench'::regrole AND query !~ 'lbops_bench'"))


def cpu_ms(root):
    """Of a process and of all that it has started, by what each of them is: the ended ones are counted where they were
    started."""
    parents, times = {}, {}
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
                parents[int(entry.name)] = int(fields[1])
                command = (entry / "cmdline").read_text().split("\0")
                ended = sum(map(int, fields[13:15])) * 1000 / os.sysconf("SC_CLK_TCK")
                alive = time.clock_gettime(~int(entry.name) << 3 | 2) * 1000  # to the nanosecond, which ticks are not
                times[int(entry.name)] = (command[1] if command[1:] else "", alive + ended)
    def is_ours(pid):
        while pid and pid != root:
            pid = parents.get(pid, 0)
        return pid == root
    spent = collections.Counter()
    for pid, (command, ms) in times.items():
        if is_ours(pid):
            spent["daemon" if pid == root else command.lstrip("-")] += ms
    return spent


def executed_by_statement(url):
    """Milliseconds of each of the daemon's statements so far, under the beginning of its text."""
    rows = ask(url, "SELECT json_object_agg(k, ms) FROM (SELECT queryid || ' ' || regexp_replace(query, '\\s+', ' ', 'g') AS k,"
                    " sum(total_exec_time + total_plan_time) AS ms FROM pg_stat_statements"
                    " WHERE userid = 'lbops_bench'::regrole GROUP BY 1) s")
    return collections.Counter(json.loads(rows or "null") or {})


class Daemon:
    def __init__(self, program, plugins, url):
        self.place = tempfile.TemporaryDirectory(prefix="lbops-bench-")
        manifest = pathlib.Path(self.place.name) / "lbops.toml"
        manifest.write_text(MANIFEST.format(place=self.place.name, plugins=plugins))
        self.process = subprocess.Popen([program, "-m", str(manifest), "--log-level", "error", "serve"],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        env={**os.environ, "LBOPS_BENCH_URL": url})

    def connect(self):
        deadline = time.monotonic() + 60
        while True:
            with contextlib.suppress(OSError):
                sock = socket.socket(socket.AF_UNIX)
                sock.connect(f"{self.place.name}/state/control.sock")
                return sock
            if time.monotonic() > deadline or self.process.poll() is not None:
                sys.exit("the daemon did not start")
            time.sleep(0.05)

    def run(self, tool):
        request = {"verb": "run", "tool": tool, "name": "bench", "project": "bench", "branch": "postgres", "args": []}
        with self.connect() as sock, sock.makefile("rw") as stream:
            stream.write(json.dumps(request) + "\n")
            stream.flush()
            said = []
            for line in stream:
                if line.startswith('{"exit":'):
                    return None if json.loads(line)["exit"] == 0 else sys.exit(f"{tool} failed: {said[-3:]}")
                said.append(line)
        sys.exit(f"{tool}: the daemon let us go")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(60)
        self.place.cleanup()


def work(url, seconds):
    return subprocess.Popen(["pgbench", "-c", str(CLIENTS), "-j", "2", "-T", str(seconds), "-d", url], stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL)


def cost_of(daemon, url, tool):
    """What a run takes, in milliseconds: on the server by statement, and of our processors by process. The first one
    loads the plugin, and is not counted."""
    daemon.run(tool)
    server, own = executed_by_statement(url), cpu_ms(daemon.process.pid)
    for _ in range(ROUNDS):
        daemon.run(tool)
    server_after, own_after = executed_by_statement(url), cpu_ms(daemon.process.pid)
    return [{name: (after[name] - before[name]) / ROUNDS for name in after if after[name] > before[name]}
            for before, after in ((server, server_after), (own, own_after))]


def tell(costs, out):
    """What is behind the figure, for whoever wants it smaller: to a log, as the answer is one object."""
    for tool, (server, own) in costs.items():
        each = TIMES / EVERY[tool]
        print(f"{tool}: {sum(server.values()) * each:.2f} + {sum(own.values()) * each:.2f} ms/s; a run "
              f"{sum(server.values()):.1f} ms on the server, {sum(own.values()):.1f} ms here "
              f"({', '.join(f'{name} {ms:.1f}' for name, ms in sorted(own.items()))})", file=out)
        for name, ms in collections.Counter(server).most_common(4):
            print(f"    {ms:8.2f} ms  {name.split(' ', 1)[1][:100]}", file=out)


def main():
    program, plugins, url = sys.argv[1:]
    ours = url.replace("//postgres@", "//lbops_bench@", 1)
    ask(url, "CREATE EXTENSION IF NOT EXISTS pg_stat_statements; CREATE ROLE lbops_bench SUPERUSER LOGIN")
    subprocess.run(["pgbench", "-i", "-q", "-s", "10", "-d", url], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
    with Daemon(program, plugins, ours) as daemon:
        daemon.connect().close()
        pgbench, began = work(url, 600), time.monotonic()
        before = executed_ms(url, "<>")
        costs = {tool: cost_of(daemon, url, tool) for tool in EVERY}
        idle, at = cpu_ms(daemon.process.pid), time.monotonic()
        time.sleep(10)
        idle = (cpu_ms(daemon.process.pid).total() - idle.total()) / (time.monotonic() - at)
        workload = (executed_ms(url, "<>") - before) / (time.monotonic() - began)
        pgbench.terminate()
        pgbench.wait()
    tell(costs, sys.stderr)
    per_run = {tool: [sum(part.values()) for part in cost] for tool, cost in costs.items()}
    server = sum(cost[0] / EVERY[tool] for tool, cost in per_run.items()) * TIMES
    own = sum(cost[1] / EVERY[tool] for tool, cost in per_run.items()) * TIMES + idle
    share = (server + own) / workload
    told = "; ".join(f"{tool} {cost[0]:.1f} + {cost[1]:.0f} ms" for tool, cost in per_run.items())
    print(json.dumps([{"name": "scheduled_beside_pgbench", "value": round(100 * share, 3), "unit": "% of the workload's time",
                       "target": 1, "ok": share <= 0.01,
                       "against": f"{CLIENTS} clients executing {workload:.0f} ms/s; ours {server:.2f} ms/s there and {own:.2f} ms/s"
                                  f" of processor, {idle:.2f} of it idle; a run on the server and here: {told}"}]))


main()
