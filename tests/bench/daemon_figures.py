"""What a real daemon costs: its memory over 100,000 runs, and 1,000 targets with 15 schedules each on the mock transport.

  daemon_figures.py LBOPS PLUGINS FIXTURES     prints a JSON array of figures"""

import contextlib
import json
import os
import pathlib
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import time

CYCLES = int(os.environ.get("LBOPS_BENCH_CYCLES", "100000"))
SECONDS = float(os.environ.get("LBOPS_BENCH_SECONDS", "90"))
CLIENTS = 64
WARM_SHARE = 0.2  # of the cycles, after which arenas and caches have their size
TARGETS = 1000
SCHEDULES = 15

HEAD = """
[workspace]
name = "bench"
state_dir = "{state}"
plugins = ["{plugins}"]

[services.transport]
plugin = "transport_mock"
fixtures = "{fixtures}"
"""


class Daemon:
    def __init__(self, program, plugins, fixtures, more=""):
        self.place = pathlib.Path(tempfile.mkdtemp(prefix="lbops-bench-"))
        self.state = self.place / "state"
        manifest = self.place / "bench.toml"
        manifest.write_text(HEAD.format(state=self.state, plugins=plugins, fixtures=fixtures) + more)
        with open(self.place / "log", "wb") as log:
            self.process = subprocess.Popen([program, "-m", str(manifest), "--log-level", "error", "serve"],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def connect(self):
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(str(self.state / "control.sock"))
        return sock

    def status(self):
        with self.connect() as sock, sock.makefile("rw") as stream:
            stream.write('{"verb":"status"}\n')
            stream.flush()
            return json.loads(stream.readline())["result"]

    def wait_until_ready(self):
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self.process.poll() is None:
            with contextlib.suppress(OSError, KeyError, ValueError):
                if self.status()["state"] == "ready":
                    return
            select.select([], [], [], 0.05)
        raise SystemExit(f"the daemon did not start:\n{(self.place / 'log').read_text()}")

    def resident_kb(self):
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(text.split("VmRSS:")[1].split()[0])

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def __enter__(self):
        self.wait_until_ready()
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.place, ignore_errors=True)


def figure(name, value, unit, target, against=None):
    return {"name": name, "value": round(value, 3), "unit": unit, "target": target, "ok": value <= target,
            "against": against}


def slope(points):
    """Least squares."""
    n = len(points)
    mean_x, mean_y = sum(x for x, _ in points) / n, sum(y for _, y in points) / n
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / sum((x - mean_x) ** 2 for x, _ in points)


def run_cycles(daemon):
    """CYCLES runs of noop over CLIENTS connections; the resident size at each hundredth of them."""
    request = b'{"verb":"run","tool":"noop","name":"bench","args":[]}\n'
    clients = {sock.fileno(): sock for sock in (daemon.connect() for _ in range(CLIENTS))}
    rest = dict.fromkeys(clients, b"")
    asked = done = 0
    points = []
    for sock in clients.values():
        sock.sendall(request)
        asked += 1
    while done < CYCLES:
        for fd in select.select(list(clients), [], [], 60)[0]:
            data = clients[fd].recv(1 << 16)
            if not data:
                raise SystemExit("the daemon let a client go")
            *lines, rest[fd] = (rest[fd] + data).split(b"\n")
            for line in lines:
                if not line.startswith(b'{"exit":'):
                    continue
                if line != b'{"exit":0}':
                    raise SystemExit(f"a run did not end well: {line}")
                done += 1
                if done % max(1, CYCLES // 100) == 0:
                    points.append((done / 1000, daemon.resident_kb()))
                if asked < CYCLES:
                    clients[fd].sendall(request)
                    asked += 1
    for sock in clients.values():
        sock.close()
    return points


def memory(program, plugins, fixtures):
    with Daemon(program, plugins, fixtures) as daemon:
        began = time.monotonic()
        points = run_cycles(daemon)
        rate = CYCLES / (time.monotonic() - began)
    warm = [p for p in points if p[0] * 1000 >= CYCLES * WARM_SHARE]
    told = (f"resident size from {warm[0][1]} KB after {warm[0][0]:.0f},000 runs to {warm[-1][1]} KB after "
            f"{warm[-1][0]:.0f},000, {rate:.0f} runs/s")
    return [figure("memory_slope", slope(warm), "KB/1000 cycles", 1, told)]


def schedules():
    targets = "".join(f'[[targets]]\nproject = "p{i // 10}"\nbranch = "b{i % 10}"\nclass = "throwaway"\n'
                      for i in range(TARGETS))
    jobs = "".join(f'[[schedules]]\ntool = "example_tables"\nname = "s{i}"\ncron = "*/5 * * * *"\n'
                   for i in range(SCHEDULES))
    return f'{targets}\n[agents.bench.tool.example_tables]\nschedule = ""\n{jobs}'


def schedule(program, plugins, fixtures):
    with Daemon(program, plugins, fixtures, schedules()) as daemon:
        before, cpu, began = daemon.status()["schedule"], daemon.cpu_seconds(), time.monotonic()
        select.select([], [], [], SECONDS)  # the time that is measured
        after, cpu, took = daemon.status()["schedule"], daemon.cpu_seconds() - cpu, time.monotonic() - began
    if after["entries"] != TARGETS * SCHEDULES:
        raise SystemExit(f"{after['entries']} entries and not {TARGETS * SCHEDULES}")
    starts = after["starts"] - before["starts"]
    told = f"{starts} starts in {took:.0f} s of {after['entries']} entries, each every 5 minutes"
    return [figure("daemon_latest_start", after["latest_start_ms"], "ms", 1000, told),
            figure("daemon_cpu", 100 * cpu / took, "% of one core", 5, told)]


def main():
    given = sys.argv[1:]
    if len(given) != 3:
        raise SystemExit(__doc__)
    print(json.dumps([*memory(*given), *schedule(*given)]))


main()
