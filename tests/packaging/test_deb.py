#!/usr/bin/env python3
"""The .deb in a clean Debian 12: installed with what it depends on, its unit started as a service manager would start it,
upgraded with its state kept, removed and purged."""
import json
import os
import pathlib
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

from roots import root_of
from suite import contains, equal, holds, skip, suite

BUILD = pathlib.Path(os.environ["LBOPS_TEST_BUILD"])
PATIENCE_S = 900
WORK = pathlib.Path(tempfile.mkdtemp(prefix="lbops-deb-"))
ROOT = WORK / "root"
INSTALLED = WORK / "installed"
MANIFEST = """
[workspace]
name = "shop"
[services.transport]
plugin = "transport_mock"
fixtures = "/usr/share/doc/lbops/examples/fixtures/mock"
[[targets]]
project = "shop"
branch = "production"
[agents.example]
tools = ["noop", "example_tables", "example_cleanup"]
[services.alert]
plugin = "alert_file"
"""
NEWER = "9.9.9"
ENTER = 'mount -t proc proc "$1/proc" && shift && exec chroot "$@"'


def run(*words, check=True, **more):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=PATIENCE_S, check=False, **more)
    if check:
        equal(done.returncode, 0, f"{' '.join(map(str, words))}: {done.stdout[-3000:]}{done.stderr[-3000:]}")
    return done


def inside(*words, check=True, **env):
    return run("unshare", "-m", "--", "bash", "-c", ENTER, "-", ROOT, ROOT, *words, check=check,
               env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C", **env})


def as_service(*words, check=True):
    """As the unit's user, with the unit's environment."""
    return inside("setpriv", "--reuid", "lbops", "--regid", "lbops", "--clear-groups", *words, check=check, **Unit().environment)


class Unit:
    """lbops@shop.service as it was installed."""

    def __init__(self):
        text = (ROOT / "usr" / "lib" / "systemd" / "system" / "lbops@.service").read_text().replace("%i", "shop")
        self.text = text
        self.environment = dict(line.split("=", 1) for line in re.findall(r"^Environment=(.*)$", text, re.M))

    def value(self, name):
        return re.search(rf"^{name}=(.*)$", self.text, re.M).group(1)


class Service:
    """The unit's command line with a socket for what it tells its manager."""

    def __init__(self):
        unit = Unit()
        state = ROOT / "var" / "lib" / unit.value("StateDirectory")
        state.mkdir(parents=True, exist_ok=True)
        state.chmod(int(unit.value("StateDirectoryMode"), 8))
        inside("chown", "lbops:lbops", f"/var/lib/{unit.value('StateDirectory')}")
        path = ROOT / "run" / "notify.sock"
        path.unlink(missing_ok=True)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        path.chmod(0o777)
        self.socket.settimeout(120)
        env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "NOTIFY_SOCKET": "/run/notify.sock", "WATCHDOG_USEC": str(int(unit.value("WatchdogSec")) * 100000),
               **unit.environment}
        equal((unit.value("Type"), unit.value("NoNewPrivileges"), unit.value("ProtectSystem")), ("notify", "yes", "strict"), "the unit")
        self.log = open(WORK / "log", "a", encoding="utf-8")
        self.process = subprocess.Popen(["unshare", "-m", "--", "bash", "-c", ENTER, "-", str(ROOT), str(ROOT), "setpriv", "--reuid", unit.value("User"),
                                         "--regid", unit.value("Group"), "--clear-groups", "--no-new-privs", *unit.value("ExecStart").split()],
                                        env=env, stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL)
        self.heard("READY=1")

    def heard(self, what):
        """Waits for it; a watchdog that is fed says so again and again."""
        try:
            while what not in self.socket.recv(4096).decode():
                pass
        except TimeoutError:
            raise AssertionError(f"no {what}: {(WORK / 'log').read_text()[-2000:]}") from None

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        equal(self.process.wait(120), 0, "it ends well: " + (WORK / "log").read_text()[-2000:])
        self.socket.close()
        self.log.close()


def newer_program():
    """The program of another version: what names the version is compiled again, and linked with all else as it was built."""
    def command(words, *changes):
        text = re.sub(r'(-DLBOPS_VERSION=[\\"]*)[0-9.]+', rf"\g<1>{NEWER}", words)
        for old, new in changes:
            holds(f" {old}" in text, f"{old} in {text}")
            text = text.replace(f" {old}", f" {shlex.quote(str(new))}")
        run("sh", "-c", text, cwd=BUILD)

    objects = []
    for one in json.loads((BUILD / "compile_commands.json").read_text()):
        if "-DLBOPS_VERSION=" in one["command"] and "LBOPS_VERSION" in pathlib.Path(one["file"]).read_text():
            was = re.search(r" -o (\S+)", one["command"]).group(1)
            objects.append((was, WORK / f"{len(objects)}.o"))
            command(one["command"], objects[-1])
    holds(objects, "something names the version")
    link = run("ninja", "-t", "commands", "bin/lbops", cwd=BUILD).stdout.splitlines()[-1]
    command(link, *objects, ("bin/lbops", WORK / "lbops"))
    run("strip", WORK / "lbops")
    return WORK / "lbops"


def eventually(look, what):
    """Waits for what a service does in its own time."""
    end = time.monotonic() + 120
    while not look():
        holds(time.monotonic() < end, what)
        time.sleep(0.05)


def needs_the_system():
    if not INSTALLED.exists():
        skip("there is no system to install it on")


# ---- the steps, each on the one before

def is_made_by_cpack():
    run("cpack", "-B", WORK, "-D", "CPACK_DEBIAN_COMPRESSION_TYPE=gzip", cwd=BUILD)
    made, = WORK.glob("lbops_*_*.deb")
    print(f"    {made.name}: {made.stat().st_size / 1e6:.1f} MB with gzip", flush=True)
    made.rename(WORK / "old.deb")
    fields = run("dpkg-deb", "-f", WORK / "old.deb", "Depends", "Version").stdout
    contains(fields, "libpq5", "libcurl4", "libjson-c5", "libev4", "libsqlite3-0", "ca-certificates")
    holds("duckdb" not in fields, "DuckDB is not asked of Debian")
    listed = run("dpkg-deb", "-c", WORK / "old.deb").stdout
    contains(listed, "./usr/lib/lbops/libduckdb.so", "./usr/lib/lbops/plugins/transport_lakebase.so", "./etc/logrotate.d/lbops",
             "lib/systemd/system/lbops@.service")
    run("dpkg-deb", "-R", WORK / "old.deb", WORK / "next")
    control = WORK / "next" / "DEBIAN" / "control"
    control.write_text(re.sub(r"^Version: .*$", lambda m: m.group() + "+1", control.read_text(), flags=re.M))
    shutil.copy(newer_program(), WORK / "next" / "usr" / "bin" / "lbops")
    (WORK / "next" / "DEBIAN" / "md5sums").unlink(missing_ok=True)
    run("dpkg-deb", "-Zgzip", "-z1", "-b", WORK / "next", WORK / "new.deb")
    shutil.rmtree(WORK / "next")


def installs_on_a_clean_system():
    ROOT.mkdir()
    run("tar", "-C", ROOT, "-xf", root_of("bookworm"), "--exclude=./dev/*")
    for name, minor in (("null", 3), ("zero", 5), ("urandom", 9), ("random", 8)):
        run("mknod", "-m", "666", ROOT / "dev" / name, "c", "1", minor)
    shutil.copy("/etc/resolv.conf", ROOT / "etc" / "resolv.conf")
    (ROOT / "usr" / "sbin" / "policy-rc.d").write_text("#!/bin/sh\nexit 101\n")
    for name in ("old.deb", "new.deb"):
        shutil.copy(WORK / name, ROOT / "tmp" / name)
    try:
        reached = inside("apt-get", "-q", "-o", "APT::Update::Error-Mode=any", "update", check=False).returncode == 0
    except subprocess.TimeoutExpired:
        reached = False
    if not reached:
        skip("packages of Debian are not to be had from here")
    INSTALLED.write_text("from here on it is expected to be there")
    # documentation is left out of small roots; the examples are looked at here
    for path in (ROOT / "etc" / "dpkg" / "dpkg.cfg.d").glob("*"):
        path.unlink()
    inside("apt-get", "-q", "-y", "install", "--no-install-recommends", "/tmp/old.deb", "logrotate")
    contains(inside("lbops", "version").stdout, "lbops ")
    missing = inside("sh", "-c", "ldd /usr/bin/lbops /usr/lib/lbops/plugins/*.so | grep 'not found'", check=False).stdout
    equal(missing, "", "libraries")
    equal(inside("stat", "-c", "%U", "/var/lib/lbops").stdout.strip(), "lbops", "whose state it is")


def runs_as_its_unit_says():
    needs_the_system()
    (ROOT / "etc" / "lbops" / "shop.toml").write_text(MANIFEST)
    contains(as_service("lbops", "check").stdout, "ok", "workspace shop")
    service = Service()
    service.heard("WATCHDOG=1")
    equal(json.loads(as_service("lbops", "--json", "run", "noop").stdout)["status"], "ok", "a run, by the daemon")
    contains(as_service("lbops", "status").stdout, "shop is")
    service.stop()


def asked(line):
    """The id of an approval that waits for it."""
    done = as_service("lbops", "--json", "run", "example_cleanup", "--index", line, check=False)
    equal(done.returncode, 3, f"it waits: {done.stdout}{done.stderr}")
    return next(one["id"] for one in json.loads(as_service("lbops", "--json", "approvals").stdout) if line in json.dumps(one))


def its_log_of_alerts_rotates_under_it():
    needs_the_system()
    log = ROOT / "var" / "lib" / "lbops" / "shop" / "alerts.ndjson"

    def changes(path):
        return [json.loads(line)["change"] for line in path.read_text().splitlines()] if path.exists() else []

    service = Service()
    waits = asked("orders_old_idx")
    eventually(lambda: changes(log) == ["opened"], "an alert for what waits")
    inside("logrotate", "-f", "/etc/logrotate.d/lbops")
    holds(not log.exists() and changes(log.with_name("alerts.ndjson.1")) == ["opened"], "it has been moved")
    as_service("lbops", "deny", waits, "--as", "ann", "--because", "it is in use")
    eventually(lambda: changes(log) == ["resolved"], "the next one is in a file of its own")
    equal(changes(log.with_name("alerts.ndjson.1")), ["opened"], "and the one before is left alone")
    equal(inside("stat", "-c", "%U %a", "/var/lib/lbops/shop/alerts.ndjson").stdout.split()[0], "lbops", "whose it is")
    inside("logrotate", "-f", "/etc/logrotate.d/lbops")
    holds(log.with_name("alerts.ndjson.2.gz").exists(), "older ones are packed")
    service.stop()


def keeps_its_state_through_an_upgrade():
    """The unit is at work while the package changes under it, and begins again as the package's script would have it."""
    needs_the_system()
    def ids():
        return [one["id"] if "id" in one else one for one in json.loads(as_service("lbops", "--json", "runs").stdout)]

    service = Service()
    waits = asked("orders_customer_idx")
    before = ids()
    version = inside("dpkg-query", "-W", "-f", "${Version}", "lbops").stdout
    inside("dpkg", "-i", "/tmp/new.deb")
    equal(inside("dpkg-query", "-W", "-f", "${Version}", "lbops").stdout, version + "+1", "the version")
    contains(as_service("lbops", "version").stdout, NEWER)
    equal(json.loads(as_service("lbops", "--json", "status").stdout)["version"] == NEWER, False, "who serves is the one of before")
    service.stop()
    service = Service()
    equal(json.loads(as_service("lbops", "--json", "status").stdout)["version"], NEWER, "who serves is the new one")
    holds(before and ids()[-len(before):] == before, "the runs of before")
    equal((ROOT / "etc" / "lbops" / "shop.toml").read_text(), MANIFEST, "the manifest")
    as_service("lbops", "approve", waits, "--as", "ann", "--because", "nobody scans it")
    equal(json.loads(as_service("lbops", "--json", "approvals").stdout), [], "nothing waits any more")
    equal(json.loads(as_service("lbops", "--json", "run", "noop").stdout)["status"], "ok", "a run")
    service.stop()
    as_service("lbops", "events", "--verify")


def goes_as_it_came():
    needs_the_system()
    inside("dpkg", "-r", "lbops")
    holds(not (ROOT / "usr" / "bin" / "lbops").exists(), "the program is gone")
    holds((ROOT / "var" / "lib" / "lbops" / "shop").exists() and (ROOT / "etc" / "logrotate.d" / "lbops").exists(), "what is a person's stays")
    inside("dpkg", "-P", "lbops")
    for path in ("var/lib/lbops", "etc/logrotate.d/lbops", "usr/lib/lbops"):
        holds(not (ROOT / path).exists(), f"{path} is gone")
    holds("lbops" not in (ROOT / "etc" / "passwd").read_text(), "its user is gone")
    holds((ROOT / "etc" / "lbops" / "shop.toml").exists(), "a person's manifest stays")


def main():
    if os.geteuid() != 0 or subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode:
        print("a root of one's own needs root's rights")
        sys.exit(77)
    try:
        suite(is_made_by_cpack, installs_on_a_clean_system, runs_as_its_unit_says, its_log_of_alerts_rotates_under_it,
              keeps_its_state_through_an_upgrade, goes_as_it_came)
    finally:
        shutil.rmtree(WORK, ignore_errors=True)


main()
